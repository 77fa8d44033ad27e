import type { Script } from '../stage.js';

const queries = [
  '',
  '?',
  '?negotiateVersion=1',
  '?negotiateVersion=0',
  '?negotiateVersion=7',
  '?negotiateVersion=2147483647',
  '?negotiateVersion=2147483648',
  '?negotiateVersion=-1',
  '?negotiateVersion=-0',
  '?negotiateVersion=',
  '?negotiateVersion',
  '?negotiateVersion=abc',
  '?negotiateVersion=1.0',
  '?negotiateVersion=1e0',
  '?negotiateVersion=0x1',
  '?negotiateVersion=01',
  '?negotiateVersion=+1',
  '?negotiateVersion=%2B1',
  '?negotiateVersion=%201%20',
  '?negotiateVersion=%31',
  '?negotiateVersion=1%00',
  '?negotiateVersion=%EF%BC%91',
  '?negotiateVersion=1&negotiateVersion=1',
  '?negotiateVersion=1&negotiateversion=1',
  '?NegotiateVersion=1',
  '?NEGOTIATEVERSION=1',
  '?negotiate%56ersion=1',
  '?negotiateVersion=1;x=2',
  '?negotiateVersion=1#x',
  '?x=1&y&=&&negotiateVersion=1&',
  '?negotiateVersion=1&useStatefulReconnect=true',
];

const stateful = [
  'true',
  'TRUE',
  'True',
  '%20true%20',
  'false',
  '1',
  'yes',
  '',
  'true&useStatefulReconnect=true',
];

/** Negotiations as clients send them, and as they do not. */
export const negotiateScripts: readonly Script[] = [
  {
    name: 'the query of negotiate',
    async play(stage) {
      for (const query of queries) {
        await stage.request(`plain ${query}`, 'POST', `plain/negotiate${query}`);
      }
      for (const query of ['', '?negotiateVersion=0', '?negotiateVersion=1', '?negotiateVersion=x']) {
        await stage.request(`modern ${query}`, 'POST', `modern/negotiate${query}`);
      }
      for (const value of stateful) {
        const query = `useStatefulReconnect=${value}`;
        await stage.request(`stateful ${query}`, 'POST', `stateful/negotiate?negotiateVersion=1&${query}`);
      }
      await stage.request('stateful, version 0', 'POST', 'stateful/negotiate?useStatefulReconnect=true');
      await stage.request('stateful, other case', 'POST', 'stateful/negotiate?USESTATEFULRECONNECT=true');
      await stage.request('some transports', 'POST', 'sockets/negotiate');
      await stage.request('other transports', 'POST', 'polls/negotiate');
    },
  },
  {
    name: 'the body and headers of negotiate',
    async play(stage) {
      const bodies: readonly (readonly [string, Record<string, string>, string])[] = [
        ['json type, empty', { 'Content-Type': 'application/json' }, ''],
        ['json type, broken', { 'Content-Type': 'application/json' }, '{'],
        ['json type, json', { 'Content-Type': 'application/json' }, '{"negotiateVersion":0}'],
        ['form', { 'Content-Type': 'application/x-www-form-urlencoded' }, 'negotiateVersion=0'],
        ['form, broken', { 'Content-Type': 'multipart/form-data' }, 'negotiateVersion=0'],
        ['unknown type', { 'Content-Type': 'x/y' }, 'x'],
        ['no type of type', { 'Content-Type': ';;' }, 'x'],
        ['large', { 'Content-Type': 'text/plain;charset=UTF-8' }, 'x'.repeat(200_000)],
        ['wants html', { Accept: 'text/html' }, ''],
        ['wants events', { Accept: 'text/event-stream' }, ''],
        ['compression', { 'Accept-Encoding': 'gzip, br' }, ''],
        ['other origin', { Origin: 'https://elsewhere.example' }, ''],
        ['method override', { 'X-HTTP-Method-Override': 'GET' }, ''],
      ];
      for (const [step, headers, body] of bodies) {
        await stage.request(step, 'POST', 'plain/negotiate?negotiateVersion=1', { headers, body });
      }
    },
  },
  {
    name: 'methods and paths',
    async play(stage) {
      for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
        await stage.request(`${method} negotiate`, method, 'plain/negotiate?negotiateVersion=1');
        await stage.request(`${method} hub`, method, 'plain');
        await stage.request(`${method} hub, unknown id`, method, 'plain?id=unknown');
      }
      const paths = [
        'plain/',
        'PLAIN',
        'Plain',
        '%70lain',
        'plain/other',
        'plain//',
        'plain/%6Eegotiate',
        'plain.',
      ];
      for (const path of paths) {
        await stage.request(`GET ${path}`, 'GET', path);
        await stage.request(`POST ${path}/negotiate`, 'POST', `${path}/negotiate`);
      }
      await stage.request('POST plain/negotiate/', 'POST', 'plain/negotiate/');
      await stage.request('POST plain/NEGOTIATE', 'POST', 'plain/NEGOTIATE');
      await stage.request('POST plain/negotiate/more', 'POST', 'plain/negotiate/more');
      await stage.request('POST nothing/negotiate', 'POST', 'nothing/negotiate');
    },
  },
  {
    name: 'who may negotiate and connect',
    async play(stage) {
      const users: readonly (readonly [string, Record<string, string>])[] = [
        ['nobody', {}],
        ['ann', { Authorization: 'Bearer ann' }],
        ['admin', { Authorization: 'Bearer admin' }],
      ];
      for (const [name, headers] of users) {
        await stage.request(`${name} negotiates`, 'POST', 'guarded/negotiate', { headers });
        await stage.request(`${name} polls`, 'GET', 'guarded?id=unknown', { headers });
        await stage.request(`${name} posts`, 'POST', 'guarded?id=unknown', { headers });
        await stage.request(`${name} deletes`, 'DELETE', 'guarded?id=unknown', { headers });
        await stage.request(`${name} puts`, 'PUT', 'guarded?id=unknown', { headers });
        await stage.request(`${name} gets negotiate`, 'GET', 'guarded/negotiate', { headers });
      }
      await stage.converse(
        'admin calls',
        'guarded',
        [
          '{"type":1,"invocationId":"1","target":"User","arguments":[]}',
          '{"type":1,"invocationId":"2","target":"Secret","arguments":[]}',
        ],
        { headers: { Authorization: 'Bearer admin' } },
      );
      for (const hub of ['plain', 'detailed']) {
        await stage.converse(`nobody calls a protected method of ${hub}`, hub, [
          '{"type":1,"invocationId":"1","target":"User","arguments":[]}',
          '{"type":1,"invocationId":"2","target":"Secret","arguments":[]}',
          '{"type":1,"invocationId":"3","target":"SECRET","arguments":[]}',
          '{"type":1,"invocationId":"4","target":"Secret","arguments":[1]}',
          '{"type":4,"invocationId":"5","target":"Secret","arguments":[]}',
          '{"type":1,"target":"Secret","arguments":[]}',
        ]);
      }
    },
  },
];
