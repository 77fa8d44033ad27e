using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;

/// <summary>Opens the connection below the hub protocol as the client's HTTP package does: negotiate, then WebSocket.</summary>
internal sealed class WebSocketConnectionFactory(Dictionary<string, string> headers, bool skipNegotiation)
    : IConnectionFactory
{
    private const int MaximumRedirects = 100;
    private readonly Dictionary<string, string> _headers = new(headers, StringComparer.OrdinalIgnoreCase);

    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endPoint, CancellationToken cancellation = default)
    {
        var target = new Target(((UriEndPoint)endPoint).Uri, Id: null, Token: null);
        if (!skipNegotiation)
        {
            target = await NegotiateAsync(target.Url, cancellation);
        }

        var socket = new ClientWebSocket();
        foreach (var (name, value) in _headers)
        {
            socket.Options.SetRequestHeader(name, value);
        }
        var url = new UriBuilder(target.Url) { Scheme = target.Url.Scheme == Uri.UriSchemeHttps ? "wss" : "ws" };
        if (target.Token is { } token)
        {
            url.Query = Join(url.Query, $"id={Uri.EscapeDataString(token)}");
        }
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

    private async Task<Target> NegotiateAsync(Uri hub, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        for (var redirects = 0; redirects < MaximumRedirects; redirects++)
        {
            using var answer = await PostNegotiateAsync(http, hub, cancellation);
            var fields = answer.RootElement;
            if (fields.TryGetProperty("error", out var error))
            {
                throw new InvalidOperationException(error.GetString());
            }
            if (!fields.TryGetProperty("url", out var redirect))
            {
                return new Target(
                    hub,
                    fields.GetProperty("connectionId").GetString(),
                    fields.GetProperty("connectionToken").GetString()
                );
            }
            hub = new Uri(redirect.GetString()!);
            if (fields.TryGetProperty("accessToken", out var accessToken))
            {
                _headers["Authorization"] = $"Bearer {accessToken.GetString()}";
            }
        }
        throw new InvalidOperationException("Negotiate redirection limit exceeded.");
    }

    private async Task<JsonDocument> PostNegotiateAsync(HttpClient http, Uri hub, CancellationToken cancellation)
    {
        var url = new UriBuilder(hub);
        url.Path = $"{url.Path.TrimEnd('/')}/negotiate";
        url.Query = Join(url.Query, "negotiateVersion=1");
        using var request = new HttpRequestMessage(HttpMethod.Post, url.Uri);
        foreach (var (name, value) in _headers)
        {
            request.Headers.Add(name, value);
        }
        using var response = await http.SendAsync(request, cancellation);
        response.EnsureSuccessStatusCode();
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        return await JsonDocument.ParseAsync(body, cancellationToken: cancellation);
    }

    private static string Join(string query, string pair) => query.Length > 1 ? $"{query}&{pair}" : pair;

    private sealed record Target(Uri Url, string? Id, string? Token);
}
