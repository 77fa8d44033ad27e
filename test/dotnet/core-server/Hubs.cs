using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;

// The same methods with different options, and hubs that fail. Program.cs says where they are and which options they have.

public class PlainHub : WorkHub;

public class DetailedHub : WorkHub;

public class ImpatientHub : WorkHub;

public class TinyHub : WorkHub;

public class ParallelHub : WorkHub;

public class SocketsHub : WorkHub;

public class PollsHub : WorkHub;

public class ModernHub : WorkHub;

public class StatefulHub : WorkHub;

[Authorize(Roles = "admin")]
public class GuardedHub : WorkHub;

public class FailingHub : WorkHub
{
    public override Task OnConnectedAsync() => throw new InvalidOperationException("no entry");
}

public class FailingDetailedHub : FailingHub;

public class RefusingHub : WorkHub
{
    public override Task OnConnectedAsync() => throw new HubException("not you");
}

public class FarewellHub : WorkHub
{
    public override async Task OnDisconnectedAsync(Exception? exception)
    {
        await base.OnDisconnectedAsync(exception);
        throw new InvalidOperationException("goodbye failed");
    }
}
