using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNet.SignalR.Client;
using Microsoft.AspNet.SignalR.Client.Http;
using Microsoft.AspNet.SignalR.Client.Transports;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using static Program;

/// <summary>One connection of the classic .NET client with one hub proxy.</summary>
internal sealed class Client
{
    /// <summary>Handlers and state named before the start: a proxy exists only from then on.</summary>
    private readonly List<Action<IHubProxy>> _beforeStart = [];
    private HubConnection? _connection;
    private IHubProxy? _proxy;

    private IHubProxy Proxy => _proxy ?? throw new InvalidOperationException("not started");

    public Task<JsonNode?> RunAsync(Command command) =>
        command.Cmd switch
        {
            "start" => StartAsync(command),
            "on" => Configure(proxy => Subscribe(proxy, command.Method!)),
            "invoke" => InvokeAsync(command),
            "send" => SendAsync(command),
            "state" => State(command),
            "stop" => StopAsync(),
            _ => throw new NotSupportedException($"unknown command {command.Cmd}"),
        };

    public static JsonNode? DataOf(Exception error) =>
        error is HubException { ErrorData: { } data } ? ToNode(JToken.FromObject(data)) : null;

    private async Task<JsonNode?> StartAsync(Command command)
    {
        var connection = new HubConnection(command.Url!, command.Query, useDefaultUrl: false);
        foreach (var (name, value) in command.Headers)
        {
            connection.Headers.Add(name, value);
        }
        connection.Closed += () => Emit("closed");
        connection.Reconnecting += () => Emit("reconnecting");
        connection.Reconnected += () => Emit("reconnected");

        var proxy = connection.CreateHubProxy(command.Hub!);
        _beforeStart.ForEach(configure => configure(proxy));
        (_connection, _proxy) = (connection, proxy);

        await connection.Start(CreateTransport(command.Transport));
        return new JsonObject
        {
            ["connectionId"] = connection.ConnectionId,
            ["transport"] = connection.Transport.Name,
        };
    }

    private static IClientTransport CreateTransport(string name)
    {
        var http = new DefaultHttpClient();
        return name switch
        {
            "webSockets" => new WebSocketTransport(http),
            "serverSentEvents" => new ServerSentEventsTransport(http),
            "longPolling" => new LongPollingTransport(http),
            "auto" => new AutoTransport(http),
            _ => throw new NotSupportedException($"unknown transport {name}"),
        };
    }

    private Task<JsonNode?> Configure(Action<IHubProxy> configure)
    {
        if (_proxy is null)
        {
            _beforeStart.Add(configure);
        }
        else
        {
            configure(_proxy);
        }
        return Task.FromResult<JsonNode?>(null);
    }

    private static void Subscribe(IHubProxy proxy, string method) =>
        proxy.Subscribe(method).Received += args =>
            Emit("message", new() { ["method"] = method, ["args"] = new JsonArray([.. args.Select(ToNode)]) });

    private async Task<JsonNode?> InvokeAsync(Command command) =>
        ToNode(
            await Proxy.Invoke<JToken, JToken>(
                command.Method!,
                progress => Emit("progress", new() { ["id"] = command.Id, ["value"] = ToNode(progress) }),
                ToArguments(command)
            )
        );

    /// <summary>The classic protocol answers every call; what is sent here is a call whose answer nobody awaits.</summary>
    private Task<JsonNode?> SendAsync(Command command)
    {
        _ = Proxy.Invoke(command.Method!, ToArguments(command));
        return Task.FromResult<JsonNode?>(null);
    }

    private Task<JsonNode?> State(Command command) =>
        command.Value is { } value
            ? Configure(proxy => proxy[command.Key!] = ToToken(value))
            : Task.FromResult(ToNode(Proxy[command.Key!]));

    /// <summary>Stop blocks until the server has ended the connection, so it gets a thread of its own.</summary>
    private async Task<JsonNode?> StopAsync()
    {
        await Task.Run(() => _connection?.Stop());
        return null;
    }

    private static object?[] ToArguments(Command command) => [.. command.Args.Select(ToToken)];

    private static JToken ToToken(JsonElement element) =>
        JsonConvert.DeserializeObject<JToken>(element.GetRawText(), AsWritten)!;

    private static JsonNode? ToNode(JToken? token) =>
        token is null ? null : JsonNode.Parse(token.ToString(Formatting.None));

    /// <summary>Text that looks like a date stays text.</summary>
    private static readonly JsonSerializerSettings AsWritten = new() { DateParseHandling = DateParseHandling.None };
}
