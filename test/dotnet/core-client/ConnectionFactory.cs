using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Connections;

/// <summary>Opens the connection below the hub protocol as the client's HTTP package does: negotiate, then a transport.</summary>
internal sealed class ConnectionFactory(string transport, Dictionary<string, string> headers, bool skipNegotiation)
    : IConnectionFactory
{
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endPoint, CancellationToken cancellation = default)
    {
        var type = Enum.TryParse<HttpTransportType>(transport, ignoreCase: true, out var known)
            ? known
            : throw new NotSupportedException($"this client knows no transport {transport}");
        var target = new Negotiation(((UriEndPoint)endPoint).Uri, type, headers);
        if (!skipNegotiation)
        {
            await target.RunAsync(cancellation);
        }
        PipeConnection connection = type switch
        {
            HttpTransportType.WebSockets => await OpenSocketAsync(target, cancellation),
            HttpTransportType.ServerSentEvents => await EventStreamConnection.OpenAsync(NewHttpClient(target), target.Url, target.Id, cancellation),
            HttpTransportType.LongPolling => await PollingConnection.OpenAsync(NewHttpClient(target), target.Url, target.Id, cancellation),
            _ => throw new NotSupportedException($"this client opens one transport, not {type}"),
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
