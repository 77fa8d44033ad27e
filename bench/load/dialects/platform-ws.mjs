/** @type {import('./dialect.mjs').Dialect} */
export const platformWs = {
  begin: () => ({ path: '/' }),
  greeting: [],
  call: (id, text) => JSON.stringify({ event: 'echo', data: { id, text } }),
  decode(message) {
    const { event, data } = JSON.parse(message);
    return [event === 'echo' ? data : { text: data }];
  },
};
