/** From top to bottom: a file imports from its own folder and downwards only. Above all of them is lib/index.ts. */
const layers = [
  'cli',
  'nest',
  'decorators',
  'protocols',
  'persistent-connections',
  'connection-handlers',
  'invocation',
  'hubs',
  'connections',
  'messaging',
  'transports',
  'common',
];

/**
 * Entry points of their own: they plug into contracts below `nest`, and nothing in the library knows them. Only `testing`
 * and `health` stand above all layers, because they look at whole applications.
 */
const plugins = ['client', 'throttler', 'msgpack', 'redis', 'testing', 'health', 'telemetry'];

const aboveNest = ['testing', 'health'];

const within = (folders) => `^lib/(${folders.join('|')})/`;
const entry = '^lib/index\\.ts$';

const downwards = layers.map((layer, position) => ({
  name: `${layer}-imports-downwards`,
  severity: 'error',
  from: { path: within([layer]) },
  to: { path: position === 0 ? entry : [entry, within(layers.slice(0, position))] },
}));

module.exports = {
  forbidden: [
    ...downwards,
    {
      name: 'protocols-do-not-know-each-other',
      severity: 'error',
      from: { path: '^lib/protocols/(classic|core)/' },
      to: { path: '^lib/protocols/(classic|core)/', pathNot: '^lib/protocols/$1/' },
    },
    {
      name: 'plugins-stay-below-nest',
      severity: 'error',
      from: { path: within(plugins.filter((plugin) => !aboveNest.includes(plugin))) },
      to: { path: [entry, within(['nest'])] },
    },
    {
      name: 'applications-plugins-stay-below-the-entry',
      severity: 'error',
      from: { path: within(aboveNest) },
      to: { path: [entry, within(['cli'])] },
    },
    {
      name: 'nobody-knows-plugins',
      severity: 'error',
      from: { path: '^lib/([^/]+)' },
      // The typed wrapper of the client is what test clients are typed with.
      to: { path: within(plugins.filter((plugin) => plugin !== 'client')), pathNot: '^lib/$1/' },
    },
    {
      name: 'every-file-has-a-layer',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^lib/', pathNot: [entry, within([...layers, ...plugins])] },
    },
    {
      name: 'library-stands-alone',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(sample|test|bench)/' },
    },
    {
      name: 'testing-works-with-any-runner',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: 'node_modules/@?(vitest|jest)/' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { path: '^lib/' },
      to: { circular: true },
    },
    {
      name: 'every-import-is-found',
      severity: 'error',
      from: { path: '^lib/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // Type imports count as well.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'default'] },
  },
};
