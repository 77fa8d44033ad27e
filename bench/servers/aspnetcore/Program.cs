using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;

// ASP.NET Core SignalR as its documentation shows it. It speaks with the runner like the other servers (control.mjs).
var builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Services.AddSignalR();
var app = builder.Build();
app.MapHub<EchoHub>("/signalr/echoHub");
await app.StartAsync();
Console.WriteLine($"PORT {new Uri(app.Urls.First()).Port}");

var clients = app.Services.GetRequiredService<IHubContext<EchoHub>>().Clients;
while (Console.ReadLine() is { } line)
{
    using var command = JsonDocument.Parse(line);
    switch (command.RootElement.GetProperty("do").GetString())
    {
        case "usage":
            Console.WriteLine(Usage(command.RootElement.TryGetProperty("collect", out _)));
            break;
        case "broadcast":
            await Task.WhenAll(Texts(command).Select(text => clients.All.SendAsync("notify", text)));
            break;
        case "groups":
            var names = TenEach.Latest(command.RootElement.GetProperty("connections").GetInt32());
            await Task.WhenAll(Texts(command).SelectMany(text =>
                names.Select(name => clients.Group(name).SendAsync("notify", text))));
            break;
    }
}

static string[] Texts(JsonDocument command) =>
    [.. command.RootElement.GetProperty("texts").EnumerateArray().Select(text => text.GetString()!)];

static string Usage(bool collect)
{
    if (collect)
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
    using var process = Process.GetCurrentProcess();
    return JsonSerializer.Serialize(new
    {
        user = process.UserProcessorTime.TotalMicroseconds,
        system = process.PrivilegedProcessorTime.TotalMicroseconds,
        rss = process.WorkingSet64,
        heapUsed = GC.GetTotalMemory(false),
    });
}

public static class TenEach
{
    private const int Size = 10;
    private static int joined;

    public static string Next() => Name((Interlocked.Increment(ref joined) - 1) / Size);

    public static string[] Latest(int connections) =>
        [.. Enumerable.Range(1, connections / Size).Select(back => Name(joined / Size - back))];

    private static string Name(int number) => $"group-{number}";
}

public class EchoHub : Hub
{
    private static readonly bool UsesGroups = Environment.GetCommandLineArgs().Contains("groups");

    public string Echo(string text) => text;

    public override Task OnConnectedAsync() =>
        UsesGroups ? base.Groups.AddToGroupAsync(Context.ConnectionId, TenEach.Next()) : Task.CompletedTask;
}
