using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

// Connections beneath hubs: they say what they hear, and end as they are told.

public class EchoHandler : ConnectionHandler
{
    protected virtual TransferFormat Format => TransferFormat.Text;

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        connection.Features.Get<ITransferFormatFeature>()!.ActiveFormat = Format;
        var (input, output) = (connection.Transport.Input, connection.Transport.Output);
        for (var read = await input.ReadAsync(); !read.IsCompleted || !read.Buffer.IsEmpty; read = await input.ReadAsync())
        {
            var heard = read.Buffer.ToArray();
            input.AdvanceTo(read.Buffer.End);
            switch (Encoding.UTF8.GetString(heard))
            {
                case "close":
                    await output.WriteAsync("the last words"u8.ToArray());
                    return;
                case "fail":
                    throw new InvalidOperationException("the handler failed");
                default:
                    await output.WriteAsync(heard);
                    break;
            }
        }
    }
}

public class BytesHandler : EchoHandler
{
    protected override TransferFormat Format => TransferFormat.Binary;
}
