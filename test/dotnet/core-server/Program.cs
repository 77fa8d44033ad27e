using System.Text.Json;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;

// An ASP.NET Core SignalR server to compare with. It prints its address and runs until its input ends.
var builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Services.AddAuthentication(BearerNames.Scheme).AddScheme<BearerNamesOptions, BearerNames>(BearerNames.Scheme, null);
builder.Services.AddAuthorization();

static void WithDetails(HubOptions options) => options.EnableDetailedErrors = true;
static void Impatient(HubOptions options)
{
    options.EnableDetailedErrors = true;
    options.HandshakeTimeout = TimeSpan.FromSeconds(1);
    options.KeepAliveInterval = TimeSpan.FromSeconds(1);
    options.ClientTimeoutInterval = TimeSpan.FromSeconds(2);
}

builder.Services
    .AddSignalR()
    .AddHubOptions<DetailedHub>(WithDetails)
    .AddHubOptions<FailingDetailedHub>(WithDetails)
    .AddHubOptions<ImpatientHub>(Impatient)
    .AddHubOptions<TinyHub>(options =>
    {
        options.EnableDetailedErrors = true;
        options.MaximumReceiveMessageSize = 256;
    })
    .AddHubOptions<ParallelHub>(options => options.MaximumParallelInvocationsPerClient = 2);

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();

app.MapHub<PlainHub>("/signalr/plain");
app.MapHub<DetailedHub>("/signalr/detailed");
app.MapHub<ImpatientHub>("/signalr/impatient", options => options.LongPolling.PollTimeout = TimeSpan.FromSeconds(1));
app.MapHub<TinyHub>("/signalr/tiny");
app.MapHub<ParallelHub>("/signalr/parallel");
app.MapHub<FailingHub>("/signalr/failing");
app.MapHub<FailingDetailedHub>("/signalr/failingDetailed");
app.MapHub<RefusingHub>("/signalr/refusing");
app.MapHub<FarewellHub>("/signalr/farewell");
app.MapHub<GuardedHub>("/signalr/guarded");
app.MapHub<SocketsHub>("/signalr/sockets", options => options.Transports = HttpTransportType.WebSockets);
app.MapHub<PollsHub>("/signalr/polls", options => options.Transports = HttpTransportType.LongPolling);
app.MapHub<ModernHub>("/signalr/modern", options => options.MinimumProtocolVersion = 1);
app.MapHub<StatefulHub>("/signalr/stateful", options => options.AllowStatefulReconnects = true);
app.MapConnectionHandler<EchoHandler>("/signalr/rawText");
app.MapConnectionHandler<BytesHandler>("/signalr/rawBytes");

await app.StartAsync();
Console.WriteLine(JsonSerializer.Serialize(new { url = app.Urls.Single() }));
await Console.In.ReadToEndAsync();
await app.StopAsync();
