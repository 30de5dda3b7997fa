// Signs in with AWS's own JavaScript client: sign_in.cjs <packages> <endpoint> <pool> <client> <user> <password> [new password]
// Prints one line of JSON: the ID token's claims and those after a refresh, or the error.
const [packages, endpoint, pool, client, name, password, next] = process.argv.slice(2);
const cognito = require(require.resolve("amazon-cognito-identity-js", { paths: [packages] }));

const users = new cognito.CognitoUserPool({ UserPoolId: pool, ClientId: client, endpoint });
const user = new cognito.CognitoUser({ Username: name, Pool: users });
const say = (said) => { console.log(JSON.stringify(said)); process.exit(0); };
const fail = (error) => say({ error: error.code || error.name, message: error.message });
const handlers = {
  onFailure: fail,
  newPasswordRequired: () => user.completeNewPasswordChallenge(next, {}, handlers),
  onSuccess: (session) => user.refreshSession(session.getRefreshToken(), (error, refreshed) =>
    error ? fail(error) : say({ claims: session.getIdToken().payload, refreshed: refreshed.getIdToken().payload })),
};
user.authenticateUser(new cognito.AuthenticationDetails({ Username: name, Password: password }), handlers);
