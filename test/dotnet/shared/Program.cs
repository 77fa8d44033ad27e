using System.Text.Json;
using System.Text.Json.Nodes;

/// <summary>What both test clients have in common: commands come in and events go out, one JSON object per line.</summary>
internal static class Program
{
    private static async Task Main()
    {
        Emit("ready");
        var client = new Client();
        while (await Console.In.ReadLineAsync() is { } line)
        {
            // Not awaited: calls of one client may overlap. Up to its first wait a command runs in order.
            _ = RunAsync(client, line);
        }
    }

    /// <summary>Writes an event; console output is synchronized, so lines of several threads never mix.</summary>
    public static void Emit(string name, JsonObject? fields = null)
    {
        var line = fields ?? [];
        line.Insert(0, "event", name);
        Console.Out.WriteLine(line.ToJsonString());
    }

    private static async Task RunAsync(Client client, string line)
    {
        int? id = null;
        try
        {
            var command = Command.Parse(line);
            id = command.Id;
            var value = await client.RunAsync(command);
            if (id is not null)
            {
                Emit(command.Cmd == "state" ? "state" : "result", new() { ["id"] = id, ["value"] = value });
            }
        }
        catch (Exception error)
        {
            var fields = new JsonObject { ["id"] = id, ["message"] = error.Message, ["type"] = error.GetType().Name };
            if (Client.DataOf(error) is { } data)
            {
                fields["data"] = data;
            }
            Emit("error", fields);
        }
    }
}
