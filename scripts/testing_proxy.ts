/**
 * Loaded before the tests by each bunfig.toml: tests ask addresses of this machine, which a proxy of the environment cannot reach.
 * Programs that tests start do not need this.
 */
const HERE = ['127.0.0.0/8', '0.0.0.0', 'localhost', '[::1]', '::1']

for (const name of ['NO_PROXY', 'no_proxy']) Bun.env[name] = [Bun.env[name], ...HERE].filter(Boolean).join()
