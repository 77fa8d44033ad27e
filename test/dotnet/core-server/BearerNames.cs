using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

internal sealed class BearerNamesOptions : AuthenticationSchemeOptions;

/// <summary>Whoever brings a name as bearer token is the user of that name; <c>admin</c> has the role of that name.</summary>
internal sealed class BearerNames(IOptionsMonitor<BearerNamesOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<BearerNamesOptions>(options, logger, encoder)
{
    public new const string Scheme = "Names";
    private const string Prefix = "Bearer ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Prefix))
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }
        var name = header[Prefix.Length..];
        Claim[] claims = [new(ClaimTypes.NameIdentifier, name), new(ClaimTypes.Role, name)];
        var user = new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme));
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(user, Scheme)));
    }
}
