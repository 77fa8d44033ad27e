using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections.Features;

/// <summary>A connection over long polling.</summary>
internal sealed class PollingConnection : HttpConnection, IConnectionInherentKeepAliveFeature
{
    private PollingConnection(HttpClient http, Uri url, string? id)
        : base(http, url, id) => Features.Set<IConnectionInherentKeepAliveFeature>(this);

    /// <summary>Polls need no pings.</summary>
    public bool HasInherentKeepAlive => true;

    /// <summary>The first poll is answered at once, and only then there is a connection.</summary>
    public static async Task<PollingConnection> OpenAsync(HttpClient http, Uri url, string? id, CancellationToken cancellation)
    {
        using var response = await http.GetAsync(url, cancellation);
        return response.StatusCode == HttpStatusCode.OK
            ? new PollingConnection(http, url, id)
            : throw new HttpRequestException($"The first poll was answered with {(int)response.StatusCode}.");
    }

    protected override async Task ReceiveAsync(PipeWriter incoming)
    {
        try
        {
            while (true)
            {
                using var response = await Http.GetAsync(Url, Stopped);
                if (response.StatusCode == HttpStatusCode.NoContent)
                {
                    break;
                }
                response.EnsureSuccessStatusCode();
                await incoming.WriteAsync(await response.Content.ReadAsByteArrayAsync());
            }
        }
        catch (OperationCanceledException) when (Stopped.IsCancellationRequested)
        {
            // This side has ended it.
        }
    }

    protected override async Task SayGoodbyeAsync()
    {
        await base.SayGoodbyeAsync();
        using var response = await Http.DeleteAsync(Url);
    }
}
