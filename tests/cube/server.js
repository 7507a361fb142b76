// Starts Cube; what to connect to, where to listen and the secret come from the environment.
const { CubejsServer } = require('@cubejs-backend/server');

const server = new CubejsServer(require('./cube'));

server.listen().then(
  ({ version, port }) => console.log(`Cube ${version} listens on ${port}`),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);

process.on('SIGTERM', () => server.shutdown('SIGTERM', true).then(() => process.exit(0)));
