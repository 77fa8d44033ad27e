using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

/// <summary>A transport as the duplex pipe that the hub protocol reads from and writes to.</summary>
internal abstract class PipeConnection : ConnectionContext, IDuplexPipe
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);
    private readonly Pipe _incoming = new();
    private readonly Pipe _outgoing = new();
    private Task _receiving = Task.CompletedTask;
    private Task _sending = Task.CompletedTask;

    protected PipeConnection(string? id)
    {
        ConnectionId = id!;
        Transport = this;
    }

    /// <summary>Null without negotiation, as with the client's own HTTP connection.</summary>
    public override string ConnectionId { get; set; }
    public override IDuplexPipe Transport { get; set; }
    public override IFeatureCollection Features { get; } = new FeatureCollection();
    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    PipeReader IDuplexPipe.Input => _incoming.Reader;
    PipeWriter IDuplexPipe.Output => _outgoing.Writer;

    /// <summary>To be called once, when everything is in place.</summary>
    public PipeConnection Run()
    {
        _receiving = ReceiveAllAsync();
        _sending = SendAllAsync();
        return this;
    }

    /// <summary>What is already written leaves first; then the transport says goodbye, within a time limit.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _outgoing.Writer.CompleteAsync();
        await _incoming.Reader.CompleteAsync();
        await Task.WhenAny(Task.WhenAll(_sending, _receiving), Task.Delay(CloseTimeout));
        Release();
    }

    /// <summary>Writes what comes until the server ends the connection; a throw is the connection's error.</summary>
    protected abstract Task ReceiveAsync(PipeWriter incoming);

    /// <summary>Sends what was flushed together. A throw ends sending; receiving reports why.</summary>
    protected abstract Task SendAsync(ReadOnlyMemory<byte> data);

    /// <summary>After the last message: whatever makes the server end the connection.</summary>
    protected abstract Task SayGoodbyeAsync();

    protected abstract void Release();

    private async Task ReceiveAllAsync()
    {
        Exception? failure = null;
        try
        {
            await ReceiveAsync(_incoming.Writer);
        }
        catch (Exception error)
        {
            failure = error;
        }
        await _incoming.Writer.CompleteAsync(failure);
        _outgoing.Reader.CancelPendingRead();
    }

    private async Task SendAllAsync()
    {
        try
        {
            while (true)
            {
                var read = await _outgoing.Reader.ReadAsync();
                if (!read.Buffer.IsEmpty)
                {
                    await SendAsync(read.Buffer.ToArray());
                }
                _outgoing.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || read.IsCanceled)
                {
                    break;
                }
            }
            await SayGoodbyeAsync();
        }
        catch (Exception)
        {
            // The peer is gone; receiving reports it.
        }
        await _outgoing.Reader.CompleteAsync();
    }
}
