using Microsoft.AspNetCore.Http.Connections;

/// <summary>Where a connection leads, and what the server calls it. Answers are read by the framework's own parser.</summary>
internal sealed class Negotiation(Uri hub, HttpTransportType transport, Dictionary<string, string> headers)
{
    private const int MaximumRedirects = 100;

    /// <summary>With the token once it has been negotiated.</summary>
    public Uri Url { get; private set; } = hub;
    public string? Id { get; private set; }
    public Dictionary<string, string> Headers { get; } = new(headers, StringComparer.OrdinalIgnoreCase);

    public async Task RunAsync(CancellationToken cancellation)
    {
        using var http = new HttpClient();
        for (var redirects = 0; redirects < MaximumRedirects; redirects++)
        {
            var answer = await PostAsync(http, cancellation);
            if (answer.Error is not null)
            {
                throw new InvalidOperationException(answer.Error);
            }
            if (answer.Url is null)
            {
                RequireTransport(answer);
                Id = answer.ConnectionId;
                Url = With(Url, $"id={Uri.EscapeDataString(answer.ConnectionToken!)}");
                return;
            }
            Url = new Uri(answer.Url);
            if (answer.AccessToken is not null)
            {
                Headers["Authorization"] = $"Bearer {answer.AccessToken}";
            }
        }
        throw new InvalidOperationException("Negotiate redirection limit exceeded.");
    }

    private async Task<NegotiationResponse> PostAsync(HttpClient http, CancellationToken cancellation)
    {
        var url = new UriBuilder(Url);
        url.Path = $"{url.Path.TrimEnd('/')}/negotiate";
        using var request = new HttpRequestMessage(HttpMethod.Post, With(url.Uri, "negotiateVersion=1"));
        foreach (var (name, value) in Headers)
        {
            request.Headers.Add(name, value);
        }
        using var response = await http.SendAsync(request, cancellation);
        response.EnsureSuccessStatusCode();
        return NegotiateProtocol.ParseResponse(await response.Content.ReadAsByteArrayAsync(cancellation));
    }

    /// <summary>The client uses only what the server says it has.</summary>
    private void RequireTransport(NegotiationResponse answer)
    {
        var isOffered = answer.AvailableTransports!.Any(offered =>
            offered.Transport == transport.ToString() && offered.TransferFormats!.Contains("Text")
        );
        if (!isOffered)
        {
            throw new InvalidOperationException($"The server does not offer {transport}.");
        }
    }

    private static Uri With(Uri url, string pair)
    {
        var builder = new UriBuilder(url);
        builder.Query = builder.Query.Length > 1 ? $"{builder.Query}&{pair}" : pair;
        return builder.Uri;
    }
}
