using System.Text.Json;
using System.Text.Json.Serialization;

/// <summary>
/// One line of standard input. A command with an id is answered by exactly one event that carries the same id:
/// <c>result</c>, <c>state</c> or <c>error</c>.
/// </summary>
internal sealed record Command
{
    public required string Cmd { get; init; }
    public int? Id { get; init; }

    // start
    public string? Url { get; init; }
    public string? Hub { get; init; }
    public string Transport { get; init; } = "webSockets";
    public Dictionary<string, string> Query { get; init; } = [];
    public Dictionary<string, string> Headers { get; init; } = [];
    public bool SkipNegotiation { get; init; }
    public bool Reconnect { get; init; }

    // on, onResult, invoke, send, stream
    public string? Method { get; init; }
    public JsonElement[] Args { get; init; } = [];

    /// <summary>How many arguments the server passes to the handler; the Core client matches them by number.</summary>
    public int Count { get; init; } = 1;

    /// <summary>What a client-result handler returns; with <see cref="Error"/> it throws instead.</summary>
    public JsonElement? Result { get; init; }
    public string? Error { get; init; }

    // state; without a value the command reads
    public string? Key { get; init; }
    public JsonElement? Value { get; init; }

    // cancel: the id of the stream
    public int? Target { get; init; }

    public static Command Parse(string line) =>
        JsonSerializer.Deserialize<Command>(line, Options)
        ?? throw new JsonException("a command is a JSON object");

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };
}
