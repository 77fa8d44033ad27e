using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

/// <summary>A WebSocket as the duplex pipe that the hub protocol reads from and writes to.</summary>
internal sealed class WebSocketConnection : ConnectionContext, IDuplexPipe
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);
    private readonly WebSocket _socket;
    private readonly Pipe _incoming = new();
    private readonly Pipe _outgoing = new();
    private readonly Task _receiving;
    private readonly Task _sending;

    public WebSocketConnection(WebSocket socket, string? id)
    {
        _socket = socket;
        ConnectionId = id!;
        Transport = this;
        _receiving = ReceiveAsync();
        _sending = SendAsync();
    }

    /// <summary>Null without negotiation, as with the client's own HTTP connection.</summary>
    public override string ConnectionId { get; set; }
    public override IDuplexPipe Transport { get; set; }
    public override IFeatureCollection Features { get; } = new FeatureCollection();
    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    PipeReader IDuplexPipe.Input => _incoming.Reader;
    PipeWriter IDuplexPipe.Output => _outgoing.Writer;

    /// <summary>What is already written leaves first; then the close handshake runs, within a time limit.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _outgoing.Writer.CompleteAsync();
        await _incoming.Reader.CompleteAsync();
        await Task.WhenAny(Task.WhenAll(_sending, _receiving), Task.Delay(CloseTimeout));
        _socket.Dispose();
    }

    private async Task ReceiveAsync()
    {
        Exception? failure = null;
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveAsync(_incoming.Writer.GetMemory(2048), CancellationToken.None);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    break;
                }
                _incoming.Writer.Advance(received.Count);
                await _incoming.Writer.FlushAsync();
            }
            if (_socket.CloseStatus != WebSocketCloseStatus.NormalClosure)
            {
                failure = new InvalidOperationException($"Websocket closed with error: {_socket.CloseStatus}.");
            }
        }
        catch (Exception error)
        {
            failure = error;
        }
        await _incoming.Writer.CompleteAsync(failure);
        _outgoing.Reader.CancelPendingRead();
    }

    /// <summary>Whatever was flushed together leaves as one message.</summary>
    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                var read = await _outgoing.Reader.ReadAsync();
                if (!read.Buffer.IsEmpty)
                {
                    await _socket.SendAsync(
                        read.Buffer.ToArray(),
                        WebSocketMessageType.Text,
                        endOfMessage: true,
                        CancellationToken.None
                    );
                }
                _outgoing.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || read.IsCanceled)
                {
                    break;
                }
            }
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
            }
        }
        catch (WebSocketException)
        {
            // The peer is gone; receiving reports it.
        }
        await _outgoing.Reader.CompleteAsync();
    }
}
