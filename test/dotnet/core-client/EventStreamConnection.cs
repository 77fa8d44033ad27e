using System.Buffers;
using System.IO.Pipelines;
using System.Text;

/// <summary>A connection over server-sent events, read as strictly as the client's own HTTP package reads them.</summary>
internal sealed class EventStreamConnection(HttpClient http, Uri url, string? id, Stream events)
    : HttpConnection(http, url, id)
{
    /// <summary>Opens the stream; its head has come when this returns.</summary>
    public static async Task<EventStreamConnection> OpenAsync(HttpClient http, Uri url, string? id, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Accept.ParseAdd("text/event-stream");
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        response.EnsureSuccessStatusCode();
        return new EventStreamConnection(http, url, id, await response.Content.ReadAsStreamAsync(cancellation));
    }

    protected override async Task ReceiveAsync(PipeWriter incoming)
    {
        var lines = PipeReader.Create(events);
        try
        {
            while (true)
            {
                var read = await lines.ReadAsync(Stopped);
                var unread = read.Buffer;
                while (TakeLine(ref unread) is { } line)
                {
                    await HandleAsync(line, incoming);
                }
                if (read.IsCompleted)
                {
                    break;
                }
                lines.AdvanceTo(unread.Start, unread.End);
            }
        }
        catch (OperationCanceledException) when (Stopped.IsCancellationRequested)
        {
            // This side has ended it.
        }
    }

    private static string? TakeLine(ref ReadOnlySequence<byte> unread)
    {
        if (unread.PositionOf((byte)'\n') is not { } end)
        {
            return null;
        }
        var line = Encoding.UTF8.GetString(unread.Slice(0, end));
        unread = unread.Slice(unread.GetPosition(1, end));
        return line.EndsWith('\r')
            ? line[..^1]
            : throw new FormatException("There was an error in the frame format: a line ends without a carriage return");
    }

    private bool _isFirstLine = true;

    /// <summary>An event may have several lines; an empty line ends it.</summary>
    private async Task HandleAsync(string line, PipeWriter incoming)
    {
        const string data = "data: ";
        if (line == "")
        {
            _isFirstLine = true;
            await incoming.FlushAsync();
        }
        else if (line.StartsWith(data))
        {
            var text = (_isFirstLine ? "" : "\n") + line[data.Length..];
            incoming.Write(Encoding.UTF8.GetBytes(text));
            _isFirstLine = false;
        }
        else if (!line.StartsWith(':'))
        {
            throw new FormatException($"Expected the message prefix 'data: ', there was '{line}'");
        }
    }
}
