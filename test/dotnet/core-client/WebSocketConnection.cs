using System.IO.Pipelines;
using System.Net.WebSockets;

/// <summary>A connection over a WebSocket.</summary>
internal sealed class WebSocketConnection(WebSocket socket, string? id) : PipeConnection(id)
{
    protected override async Task ReceiveAsync(PipeWriter incoming)
    {
        while (true)
        {
            var received = await socket.ReceiveAsync(incoming.GetMemory(2048), CancellationToken.None);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                break;
            }
            incoming.Advance(received.Count);
            await incoming.FlushAsync();
        }
        if (socket.CloseStatus != WebSocketCloseStatus.NormalClosure)
        {
            throw new InvalidOperationException($"Websocket closed with error: {socket.CloseStatus}.");
        }
    }

    protected override async Task SendAsync(ReadOnlyMemory<byte> data) =>
        await socket.SendAsync(data, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    protected override async Task SayGoodbyeAsync()
    {
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
        }
    }

    protected override void Release() => socket.Dispose();
}
