import type { ClassicOptions } from '../../common/options.js';
import type { HubCatalog } from '../../hubs/hub-catalog.js';
import { type HubDescriptor, type HubMethodDescriptor, scriptName } from '../../hubs/hub-descriptor.js';
import type { HttpAnswer } from '../../transports/http.js';

const DISABLED = `throw new Error('SignalR: JavaScript Hub proxy generation has been disabled.');`;

/** Where the url of a request is put into the script; a minifier may have changed the quotes. */
const URL_PLACEHOLDER = /(["'`])__signalr_url__\1/;
const URL_LITERAL = '"__signalr_url__"';

/** The script that gives a page `$.connection.chatHub` with its methods (signalr-2 §8). Generated once. */
export class ProxyScript {
  private template: string | undefined;

  constructor(
    private readonly catalog: HubCatalog,
    private readonly options: Pick<ClassicOptions, 'enableJavaScriptProxies' | 'minifyProxy' | 'proxyUrl'>,
  ) {}

  /** @param path path of the request, in the spelling of the server. */
  answer(path: string): HttpAnswer {
    const url = path.replace(/\/[^/]*\/*$/, '');
    return {
      status: 200,
      headers: { 'Content-Type': 'application/javascript; charset=UTF-8' },
      body: this.options.enableJavaScriptProxies ? this.render(this.options.proxyUrl ?? url) : DISABLED,
    };
  }

  /** The script for hubs at a url. */
  render(url: string): string {
    this.template ??= this.options.minifyProxy?.(generate(this.catalog)) ?? generate(this.catalog);
    return this.template.replace(URL_PLACEHOLDER, () => scriptText(url));
  }
}

function generate(catalog: HubCatalog): string {
  const hubs = [...catalog].sort((left, right) => ordinal(left.name, right.name)).map(hubEntry);
  return `/*! SignalR hub proxies */
(function ($, window, undefined) {
  'use strict';

  if (typeof $.signalR !== 'function') {
    throw new Error('SignalR: SignalR is not loaded. Please ensure jquery.signalR-x.js is referenced before ~/signalr/js.');
  }

  var signalR = $.signalR;

  // Clients before 2.4 know a handler by the text of this function, so all of them come from here.
  function makeProxyCallback(hub, callback) {
    return function () {
      callback.apply(hub, $.makeArray(arguments));
    };
  }

  function registerHubProxies(instance, shouldSubscribe) {
    var key, hub, memberKey, memberValue;
    for (key in instance) {
      if (Object.prototype.hasOwnProperty.call(instance, key)) {
        hub = instance[key];
        if (hub && hub.hubName) {
          for (memberKey in hub.client) {
            if (Object.prototype.hasOwnProperty.call(hub.client, memberKey)) {
              memberValue = hub.client[memberKey];
              if ($.isFunction ? $.isFunction(memberValue) : typeof memberValue === 'function') {
                // Clients from 2.4 on know a handler by the third argument.
                hub[shouldSubscribe ? 'on' : 'off'](memberKey, makeProxyCallback(hub, memberValue), memberValue);
              }
            }
          }
        }
      }
    }
  }

  $.hubConnection.prototype.createHubProxies = function () {
    var proxies = {};
    this.starting(function () {
      registerHubProxies(proxies, true);
      this._registerSubscribedHubs();
    }).disconnected(function () {
      registerHubProxies(proxies, false);
    });
${hubs.join('\n')}
    return proxies;
  };

  signalR.hub = $.hubConnection(${URL_LITERAL}, { useDefaultPath: false });
  $.extend(signalR, signalR.hub.createHubProxies());
}(window.jQuery, window));
`;
}

function hubEntry(hub: HubDescriptor): string {
  const name = scriptText(hub.scriptName);
  const methods = [...hub.methods.values()]
    .map(shortest)
    .sort((left, right) => ordinal(left.name, right.name))
    .map((method) => methodEntry(name, method));
  return `
    proxies[${name}] = this.createHubProxy(${name});
    proxies[${name}].client = {};
    proxies[${name}].server = {${methods.join(',')}
    };`;
}

/** An overload set is one function, named after the overload with the fewest parameters. */
function shortest(overloads: readonly HubMethodDescriptor[]): HubMethodDescriptor {
  return overloads.reduce((least, method) =>
    method.parameters.length < least.parameters.length ? method : least,
  );
}

/** Names that the function itself uses. */
const TAKEN: ReadonlySet<string> = new Set(['$', 'proxies', 'arguments']);

function methodEntry(hubName: string, method: HubMethodDescriptor): string {
  const formal = method.parameters.map(({ name }) => (TAKEN.has(name) ? `_${name}` : name)).join(', ');
  return `
      ${scriptText(scriptName(method.name, method.nameSpecified))}: function (${formal}) {
        return proxies[${hubName}].invoke.apply(proxies[${hubName}], $.merge([${scriptText(method.name)}], $.makeArray(arguments)));
      }`;
}

/** A text as it may stand in a script, also inside an HTML page. */
function scriptText(text: string): string {
  return JSON.stringify(text)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

/** The string order of the original's host: by code unit, whatever the language of the machine. */
function ordinal(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
