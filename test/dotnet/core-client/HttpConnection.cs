/// <summary>What event streams and polls have in common: the client sends by POST, one request after another.</summary>
internal abstract class HttpConnection(HttpClient http, Uri url, string? id) : PipeConnection(id)
{
    private readonly CancellationTokenSource _stopped = new();

    protected HttpClient Http => http;
    protected Uri Url => url;

    /// <summary>Fires when this side ends the connection.</summary>
    protected CancellationToken Stopped => _stopped.Token;

    protected override async Task SendAsync(ReadOnlyMemory<byte> data)
    {
        using var content = new ReadOnlyMemoryContent(data);
        using var response = await http.PostAsync(url, content);
        response.EnsureSuccessStatusCode();
    }

    protected override Task SayGoodbyeAsync() => _stopped.CancelAsync();

    protected override void Release()
    {
        _stopped.Cancel();
        http.Dispose();
    }
}
