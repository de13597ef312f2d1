// Accounts that tests run operators as. They have the rights that the chart grants and no others, so that one that the chart
// forgets fails tests.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump, load } from "js-yaml";
import { clusterScoped, namespaced, type Right } from "../../charts/generate/rights.ts";
import type { Client } from "../../operator/kube/client.ts";
import { type TestKube, testKube } from "./kube.ts";

/** A ServiceAccount, with a kubeconfig that logs in as it. */
export interface Account {
  namespace: string;
  name: string;
  kubeconfig: string;
}

type Place = Pick<TestKube, "client" | "namespace">;

const accountName = "operator";
const rbac = "/apis/rbac.authorization.k8s.io/v1";
const apiGroup = "rbac.authorization.k8s.io";
/** Longer than any run: nobody renews it. */
const tokenSeconds = 24 * 60 * 60;

/** Who an account is, for the API server. */
export const userOf = ({ namespace, name }: Pick<Account, "namespace" | "name">) =>
  `system:serviceaccount:${namespace}:${name}`;

/** Rights as the rules of a role. */
export const rulesOf = (rights: Right[]) =>
  rights.map(({ group, resource, verbs, names }) => ({
    apiGroups: [group],
    resources: [resource],
    verbs,
    ...(names && { resourceNames: names }),
  }));

const post = <T>(client: Client, path: string, body: object) => client.json<T>({ method: "POST", path, body });

/** A kubeconfig like the administrator's, but for who logs in. */
function kubeconfigWith(administrators: string, token: string): string {
  const config = load(readFileSync(administrators, "utf8")) as { users: { user: object }[] };
  config.users = config.users.map((user) => ({ ...user, user: { token } }));
  const file = join(mkdtempSync(join(tmpdir(), "anypod-account-")), "kubeconfig");
  writeFileSync(file, dump(config), { mode: 0o600 });
  return file;
}

/** Makes an account without any rights; `forget` its kubeconfig in the end. */
export async function accountIn({ client, namespace }: Place, administrators: string): Promise<Account> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await post(client, accounts, { metadata: { name: accountName } });
  const { status } = await post<{ status: { token: string } }>(client, `${accounts}/${accountName}/token`, {
    spec: { expirationSeconds: tokenSeconds },
  });
  return { namespace, name: accountName, kubeconfig: kubeconfigWith(administrators, status.token) };
}

export function forget({ kubeconfig }: Account): void {
  rmSync(join(kubeconfig, ".."), { recursive: true, force: true });
}

/** Gives the account these rights in a namespace. */
export async function letInto({ client, namespace }: Place, account: Account, rights: Right[]): Promise<void> {
  const metadata = { name: accountName };
  const { name } = account;
  await post(client, `${rbac}/namespaces/${namespace}/roles`, { metadata, rules: rulesOf(rights) });
  await post(client, `${rbac}/namespaces/${namespace}/rolebindings`, {
    metadata,
    roleRef: { apiGroup, kind: "Role", name: accountName },
    subjects: [{ kind: "ServiceAccount", name, namespace: account.namespace }],
  });
}

/** Makes an account with all that the chart grants in every namespace, and says how to end it. */
export async function operatorAccount(administrators: string): Promise<{ account: Account; end(): Promise<void> }> {
  const kube = await testKube(administrators);
  const { client, namespace } = kube;
  // As unique as the namespace.
  const metadata = { name: `anypod-${namespace}` };
  await post(client, `${rbac}/clusterroles`, { metadata, rules: rulesOf([...namespaced, ...clusterScoped]) });
  const account = await accountIn(kube, administrators);
  await post(client, `${rbac}/clusterrolebindings`, {
    metadata,
    roleRef: { apiGroup, kind: "ClusterRole", name: metadata.name },
    subjects: [{ kind: "ServiceAccount", name: account.name, namespace }],
  });
  return {
    account,
    async end() {
      forget(account);
      const paths = [`${rbac}/clusterrolebindings/${metadata.name}`, `${rbac}/clusterroles/${metadata.name}`];
      for (const path of [...paths, `/api/v1/namespaces/${namespace}`]) await client.json({ method: "DELETE", path });
      await client.close();
    },
  };
}
