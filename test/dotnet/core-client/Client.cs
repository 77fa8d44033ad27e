using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using static Program;

/// <summary>One connection of the ASP.NET Core .NET client: JSON over any transport.</summary>
internal sealed class Client
{
    /// <summary>Handlers named before the start: the connection exists only from then on.</summary>
    private readonly List<Action<HubConnection>> _beforeStart = [];
    private readonly ConcurrentDictionary<int, CancellationTokenSource> _streams = [];
    private HubConnection? _connection;

    private HubConnection Connection => _connection ?? throw new InvalidOperationException("not started");

    public Task<JsonNode?> RunAsync(Command command) =>
        command.Cmd switch
        {
            "start" => StartAsync(command),
            "on" => Configure(connection => Subscribe(connection, command)),
            "onResult" => Configure(connection => Answer(connection, command)),
            "invoke" => InvokeAsync(command),
            "send" => SendAsync(command),
            "stream" => StreamAsync(command),
            "cancel" => CancelAsync(command),
            "stop" => StopAsync(),
            _ => throw new NotSupportedException($"unknown command {command.Cmd}"),
        };

    /// <summary>Errors of this family are text only.</summary>
    public static JsonNode? DataOf(Exception error) => null;

    private async Task<JsonNode?> StartAsync(Command command)
    {
        var builder = new HubConnectionBuilder();
        builder.Services.AddSingleton<EndPoint>(new UriEndPoint(AddQuery(command.Url!, command.Query)));
        builder.Services.AddSingleton<IConnectionFactory>(
            new ConnectionFactory(command.Transport, command.Headers, command.SkipNegotiation)
        );
        if (command.Reconnect)
        {
            builder.WithAutomaticReconnect();
        }

        var connection = builder.Build();
        connection.Closed += error => Tell("closed", error);
        connection.Reconnecting += error => Tell("reconnecting", error);
        connection.Reconnected += _ => Tell("reconnected", null);
        _beforeStart.ForEach(configure => configure(connection));
        _connection = connection;

        await connection.StartAsync();
        return new JsonObject { ["connectionId"] = connection.ConnectionId, ["transport"] = command.Transport };
    }

    private static Uri AddQuery(string url, Dictionary<string, string> query)
    {
        var pairs = query.Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value)}");
        var builder = new UriBuilder(url);
        builder.Query = string.Join('&', new[] { builder.Query.TrimStart('?') }.Concat(pairs).Where(part => part != ""));
        return builder.Uri;
    }

    private static Task Tell(string name, Exception? error)
    {
        Emit(name, error is null ? null : new() { ["message"] = error.Message });
        return Task.CompletedTask;
    }

    private Task<JsonNode?> Configure(Action<HubConnection> configure)
    {
        if (_connection is null)
        {
            _beforeStart.Add(configure);
        }
        else
        {
            configure(_connection);
        }
        return Task.FromResult<JsonNode?>(null);
    }

    private static void Subscribe(HubConnection connection, Command command) =>
        connection.On(
            command.Method!,
            Parameters(command),
            (args, _) =>
            {
                EmitMessage(command.Method!, args);
                return Task.CompletedTask;
            },
            command
        );

    private static void Answer(HubConnection connection, Command command) =>
        connection.On(
            command.Method!,
            Parameters(command),
            (args, _) =>
            {
                EmitMessage(command.Method!, args);
                return command.Error is { } error
                    ? throw new InvalidOperationException(error)
                    : Task.FromResult<object?>(command.Result);
            },
            command
        );

    private static Type[] Parameters(Command command) => [.. Enumerable.Repeat(typeof(JsonElement), command.Count)];

    private static void EmitMessage(string method, object?[] args) =>
        Emit("message", new() { ["method"] = method, ["args"] = new JsonArray([.. args.Select(ToNode)]) });

    private async Task<JsonNode?> InvokeAsync(Command command) =>
        ToNode(await Connection.InvokeCoreAsync<JsonElement?>(command.Method!, ToArguments(command)));

    private async Task<JsonNode?> SendAsync(Command command)
    {
        await Connection.SendCoreAsync(command.Method!, ToArguments(command));
        return null;
    }

    /// <summary>Every item is an event of its own; the end of the stream is the result.</summary>
    private async Task<JsonNode?> StreamAsync(Command command)
    {
        var id = command.Id ?? throw new InvalidOperationException("a stream needs an id");
        using var cancellation = _streams[id] = new CancellationTokenSource();
        try
        {
            var items = Connection.StreamAsyncCore<JsonElement?>(
                command.Method!,
                ToArguments(command),
                cancellation.Token
            );
            await foreach (var item in items)
            {
                Emit("item", new() { ["id"] = id, ["value"] = ToNode(item) });
            }
            return null;
        }
        finally
        {
            _streams.TryRemove(id, out _);
        }
    }

    private async Task<JsonNode?> CancelAsync(Command command)
    {
        if (_streams.TryGetValue(command.Target!.Value, out var cancellation))
        {
            await cancellation.CancelAsync();
        }
        return null;
    }

    private async Task<JsonNode?> StopAsync()
    {
        await Connection.StopAsync();
        return null;
    }

    /// <summary>An argument { "$stream": [...] } is a stream that the client sends, item by item.</summary>
    private static object?[] ToArguments(Command command) => [.. command.Args.Select(ToArgument)];

    private static object? ToArgument(JsonElement argument) =>
        argument.ValueKind == JsonValueKind.Object && argument.TryGetProperty("$stream", out var items)
            ? Items([.. items.EnumerateArray()])
            : argument;

    private static async IAsyncEnumerable<JsonElement> Items(JsonElement[] items)
    {
        foreach (var item in items)
        {
            await Task.Yield();
            yield return item;
        }
    }

    private static JsonNode? ToNode(object? value) => JsonSerializer.SerializeToNode(value);
}
