using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;

/// <summary>Opens the connection below the hub protocol as the client's HTTP package does: negotiate, then a transport.</summary>
internal sealed class ConnectionFactory(string transport, Dictionary<string, string> headers, bool skipNegotiation)
    : IConnectionFactory
{
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endPoint, CancellationToken cancellation = default)
    {
        var target = new Negotiation(((UriEndPoint)endPoint).Uri, headers);
        if (!skipNegotiation)
        {
            await target.RunAsync(cancellation);
        }
        PipeConnection connection = transport switch
        {
            "webSockets" => await OpenSocketAsync(target, cancellation),
            "serverSentEvents" => await EventStreamConnection.OpenAsync(NewHttpClient(target), target.Url, target.Id, cancellation),
            "longPolling" => await PollingConnection.OpenAsync(NewHttpClient(target), target.Url, target.Id, cancellation),
            _ => throw new NotSupportedException($"this client knows no transport {transport}"),
        };
        return connection.Run();
    }

    private static HttpClient NewHttpClient(Negotiation target)
    {
        var http = new HttpClient();
        foreach (var (name, value) in target.Headers)
        {
            http.DefaultRequestHeaders.Add(name, value);
        }
        return http;
    }

    private static async Task<WebSocketConnection> OpenSocketAsync(Negotiation target, CancellationToken cancellation)
    {
        var socket = new ClientWebSocket();
        foreach (var (name, value) in target.Headers)
        {
            socket.Options.SetRequestHeader(name, value);
        }
        var url = new UriBuilder(target.Url) { Scheme = target.Url.Scheme == Uri.UriSchemeHttps ? "wss" : "ws" };
        try
        {
            await socket.ConnectAsync(url.Uri, cancellation);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        return new WebSocketConnection(socket, target.Id);
    }
}
