using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;

public class OddException(string text) : HubException(text);

/// <summary>What both servers of the comparison can do; <c>work-hub.ts</c> is the other one.</summary>
public abstract class WorkHub : Hub
{
    private const string Witnesses = "witnesses";
    private static readonly ConcurrentDictionary<string, TaskCompletionSource> Gates = [];

    /// <summary>Greets whoever asks for it by the query, after a call to a client method.</summary>
    public override async Task OnConnectedAsync()
    {
        if (QueryValue("welcome") is not null)
        {
            await Clients.Caller.SendAsync("Welcome", "first");
        }
        if (QueryValue("ask") is not null)
        {
            await Clients.Caller.SendAsync("Asked", await AskCaller("too early"));
        }
    }

    /// <summary>Tells witnesses how a connection has ended that gave its name.</summary>
    public override async Task OnDisconnectedAsync(Exception? exception)
    {
        if (QueryValue("name") is { } name)
        {
            var error = exception is null ? null : $"{exception.GetType().Name}: {exception.Message}";
            await Clients.Group(Witnesses).SendAsync("Gone", name, error, Context.ConnectionAborted.IsCancellationRequested);
        }
    }

    public Task Witness() => Groups.AddToGroupAsync(Context.ConnectionId, Witnesses);

    public int Add(int left, int right) => left + right;

    public object? Echo(object? value) => value;

    public Task Nothing() => Task.CompletedTask;

    public string? NullText() => null;

    [HubMethodName("Renamed")]
    public string Original() => "renamed";

    public string Text(string text) => text;

    public void Throw(string kind) =>
        throw (kind switch
        {
            "hub" => new HubException("told"),
            "odd" => new OddException("odd"),
            "empty" => new HubException(""),
            "lines" => new HubException("one\r\ntwo\n\"three\" <é😀>"),
            _ => new InvalidOperationException("secret"),
        });

    public async Task ThrowLater(string kind)
    {
        await Task.Yield();
        Throw(kind);
    }

    public void Abort() => Context.Abort();

    public string? User() => Context.UserIdentifier;

    [Authorize(Roles = "admin")]
    public string Secret() => "secret";

    public string? Query(string name) => QueryValue(name);

    public string? Header(string name) => Context.GetHttpContext()?.Request.Headers[name];

    public int Count()
    {
        var count = Context.Items.TryGetValue("count", out var before) ? (int)before! + 1 : 1;
        Context.Items["count"] = count;
        return count;
    }

    public Task Join(string group) => Groups.AddToGroupAsync(Context.ConnectionId, group);

    public Task Leave(string group) => Groups.RemoveFromGroupAsync(Context.ConnectionId, group);

    public Task TellCaller(string text) => Clients.Caller.SendAsync("Hear", text);

    public Task TellOthers(string text) => Clients.Others.SendAsync("Hear", text);

    public Task TellGroup(string group, string text) => Clients.Group(group).SendAsync("Hear", text);

    public Task TellOthersInGroup(string group, string text) => Clients.OthersInGroup(group).SendAsync("Hear", text);

    public Task TellGroups(string[] groups, string text) => Clients.Groups(groups).SendAsync("Hear", text);

    public Task TellClient(string id, string text) => Clients.Client(id).SendAsync("Hear", text);

    /// <summary>The answer of the caller, or the error that asking gave.</summary>
    public async Task<string> AskCaller(string question)
    {
        try
        {
            return $"{await Clients.Caller.InvokeAsync<string>("Answer", question, Context.ConnectionAborted)}";
        }
        catch (Exception error)
        {
            return error.Message;
        }
    }

    public Task Wait(string gate) => Gates.GetOrAdd(gate, _ => new()).Task;

    public void Open(string gate) => Gates.GetOrAdd(gate, _ => new()).TrySetResult();

    public async IAsyncEnumerable<int> Counter(int count)
    {
        for (var value = 0; value < count; value++)
        {
            yield return value;
            await Task.Yield();
        }
    }

    /// <summary>Gives one item, and goes on until nobody listens.</summary>
    public async IAsyncEnumerable<int> Endless([EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return 1;
        await Task.Delay(-1, cancellation);
    }

    public async IAsyncEnumerable<int> FailingStream(string kind)
    {
        yield return 0;
        yield return 1;
        await Task.Yield();
        Throw(kind);
    }

    public IAsyncEnumerable<int> ThrowingStream(string kind)
    {
        Throw(kind);
        return Counter(1);
    }

    public IAsyncEnumerable<int>? NullStream() => null;

    public async Task<int> Sum(int start, IAsyncEnumerable<int> items)
    {
        await foreach (var item in items)
        {
            start += item;
        }
        return start;
    }

    /// <summary>The sum, or the error that the stream ended with.</summary>
    public async Task<string> Collect(IAsyncEnumerable<int> items)
    {
        try
        {
            return $"{await Sum(0, items)}";
        }
        catch (Exception error)
        {
            return $"{error.GetType().Name}: {error.Message}";
        }
    }

    /// <summary>Takes one item and leaves the rest.</summary>
    public async Task<int> First(IAsyncEnumerable<int> items)
    {
        await foreach (var item in items)
        {
            return item;
        }
        return -1;
    }

    public async Task<string> Two(IAsyncEnumerable<string> left, string between, IAsyncEnumerable<string> right)
    {
        List<string> all = [];
        await foreach (var item in left)
        {
            all.Add(item);
        }
        all.Add(between);
        await foreach (var item in right)
        {
            all.Add(item);
        }
        return string.Join(',', all);
    }

    public async IAsyncEnumerable<int> Doubled(IAsyncEnumerable<int> items)
    {
        await foreach (var item in items)
        {
            yield return item * 2;
        }
    }

    private string? QueryValue(string name) => Context.GetHttpContext()?.Request.Query[name].FirstOrDefault();
}
