// Runs at `npm install`, before anything is compiled: plain JavaScript for any Node.js.
// npm scripts find node_modules/.bin/node first on their path, which is the one that the lockfile names.
const host = /\bnode\/v(\d+)(\S*)/.exec(process.env.npm_config_user_agent ?? '')
if (host !== null && Number(host[1]) < 24) {
  console.log(
    `This machine has Node.js ${host[1]}${host[2]}, and Streamstack needs 24: npm scripts and npx use ${process.version} of node_modules here. Run programs of your own with node_modules/.bin/node.`,
  )
}
