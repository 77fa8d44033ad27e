using System.Text.Json;

/// <summary>Where a connection leads, and what the server calls it.</summary>
internal sealed class Negotiation(Uri hub, Dictionary<string, string> headers)
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
            using var answer = await PostAsync(http, cancellation);
            var fields = answer.RootElement;
            if (fields.TryGetProperty("error", out var error))
            {
                throw new InvalidOperationException(error.GetString());
            }
            if (!fields.TryGetProperty("url", out var redirect))
            {
                Id = fields.GetProperty("connectionId").GetString();
                var token = fields.GetProperty("connectionToken").GetString()!;
                Url = With(Url, $"id={Uri.EscapeDataString(token)}");
                return;
            }
            Url = new Uri(redirect.GetString()!);
            if (fields.TryGetProperty("accessToken", out var accessToken))
            {
                Headers["Authorization"] = $"Bearer {accessToken.GetString()}";
            }
        }
        throw new InvalidOperationException("Negotiate redirection limit exceeded.");
    }

    private async Task<JsonDocument> PostAsync(HttpClient http, CancellationToken cancellation)
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
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        return await JsonDocument.ParseAsync(body, cancellationToken: cancellation);
    }

    private static Uri With(Uri url, string pair)
    {
        var builder = new UriBuilder(url);
        builder.Query = builder.Query.Length > 1 ? $"{builder.Query}&{pair}" : pair;
        return builder.Uri;
    }
}
