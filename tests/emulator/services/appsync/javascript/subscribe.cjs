// Subscribes with aws-appsync-subscription-link as an application would, and prints each result as a line of JSON.
// node subscribe.cjs <GraphQL URL> <API_KEY | AWS_IAM | AMAZON_COGNITO_USER_POOLS> <key, id:secret, or token> <document>
const { createRequire } = require("node:module");
const load = createRequire(`${process.cwd()}/package.json`);

global.WebSocket ??= load("ws");
const { createSubscriptionHandshakeLink } = load("aws-appsync-subscription-link");
const { ApolloClient, InMemoryCache, gql } = load("@apollo/client/core");

const [url, type, secret, document] = process.argv.slice(2);
const [accessKeyId, secretAccessKey] = secret.split(":");
const auth = {
  API_KEY: { type, apiKey: secret },
  AWS_IAM: { type, credentials: { accessKeyId, secretAccessKey } },
  AMAZON_COGNITO_USER_POOLS: { type, jwtToken: secret },
}[type];

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const fail = (error) => {
  say({ error: JSON.stringify(error.cause ?? error), message: String(error.message ?? "") });
  process.exit(1);
};
const link = createSubscriptionHandshakeLink({ url, region: "us-east-1", auth });
const client = new ApolloClient({ link, cache: new InMemoryCache() });
client.subscribe({ query: gql(document) }).subscribe({
  next: (result) => (result.error ? fail(result.error) : say(result)),
  error: fail,
});
process.stdin.resume().on("end", () => process.exit(0));
