// What the operator may do: what its kinds take, and nothing more.
import { describe, expect, test } from "vitest";
import { clusterScoped, election, namespaced, type Right } from "../../charts/generate/rights.ts";
import type { ResourceType } from "../../operator/kube/resource.ts";
import * as kinds from "../../operator/reconcile/kinds.ts";
import { rulesOf } from "../support/account.ts";
import { ofKind, type Rendered, rendered } from "./support.ts";

const isType = (value: unknown): value is ResourceType =>
  typeof value === "object" && value !== null && "apiVersion" in value && "plural" in value;
const { childKinds, secrets, configMaps, holdsTasks, ...others } = kinds;
const made = [...childKinds.map(({ type }) => type), secrets, configMaps];
/** Every kind that kinds.ts names, in whatever way. */
const all = [...made, ...Object.values(others).flat()].filter(isType);

const nameOf = ({ apiVersion, plural }: ResourceType) =>
  `${plural}.${apiVersion.includes("/") ? apiVersion.split("/")[0] : ""}`;
const rightName = ({ group, resource }: Right) => `${resource}.${group}`;
const everywhere = [...namespaced, ...clusterScoped];
const writes = (verbs: string[]) => verbs.filter((verb) => !["get", "list", "watch"].includes(verb));

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

/** `verb resource.group`, with the only name it is for. */
const grants = (rules: Rule[]) =>
  rules
    .flatMap(({ apiGroups, resources, verbs, resourceNames = [""] }) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => [`${verb} ${resource}.${apiGroups.join()}`, ...resourceNames].join(" ").trim()),
      ),
    )
    .sort();

describe("the table of rights", () => {
  test("has each kind that the operator works with, once, and beside them only what the engine needs", () => {
    const engines = ["customresourcedefinitions.apiextensions.k8s.io", "events.events.k8s.io"];
    const ofServers = ["mcpservers/finalizers.anypod.dev", "mcpservers/status.anypod.dev"];
    const expected = [...new Set(all.map(nameOf)), ...engines, ...ofServers];
    expect(everywhere.map(rightName).sort()).toEqual(expected.sort());
  });

  test("lets each kind that it watches be listed and watched", () => {
    for (const right of everywhere.filter((each) => all.some((type) => nameOf(type) === rightName(each))))
      expect(right.verbs, rightName(right)).toEqual(expect.arrayContaining(["list", "watch"]));
  });

  test("lets it write and read by name what it makes, and delete it, but for what has tasks in it", () => {
    const names = made.map(nameOf);
    const kept = made.filter(({ kind }) => holdsTasks(kind)).map(nameOf);
    expect(kept).toHaveLength(3);
    const expected = (name: string) =>
      names.includes(name) ? ["create", ...(kept.includes(name) ? [] : ["delete"]), "patch"] : [];
    for (const right of everywhere.filter(
      ({ resource, group }) => !resource.includes("/") && group !== "events.k8s.io",
    )) {
      expect(writes(right.verbs).sort(), rightName(right)).toEqual(expected(rightName(right)));
      expect(right.verbs.includes("get"), rightName(right)).toBe(names.includes(rightName(right)));
    }
  });

  test("has no wildcard, and no right to give itself more", () => {
    const rights = [...everywhere, ...election];
    expect(
      rights.filter(({ group, resource, verbs }) => [group, resource, ...verbs].some((each) => each.includes("*"))),
    ).toEqual([]);
    expect(rights.filter(({ group }) => group === "rbac.authorization.k8s.io")).toEqual([]);
    expect(
      rights.filter(({ verbs }) => verbs.some((verb) => ["bind", "escalate", "impersonate"].includes(verb))),
    ).toEqual([]);
  });
});

const rulesIn = (objects: Rendered[], kind: string, namespace?: string) =>
  ofKind(objects, kind)
    .filter(
      ({ metadata }) =>
        metadata.namespace === namespace && !metadata.labels["rbac.authorization.k8s.io/aggregate-to-edit"],
    )
    .flatMap(({ rules }) => rules as Rule[]);

describe("the chart", () => {
  test("grants exactly the table everywhere, and the lease in its own namespace", async () => {
    const objects = await rendered({ chart: "anypod" });
    expect(grants(rulesIn(objects, "ClusterRole"))).toEqual(grants(rulesOf(everywhere)));
    expect(grants(rulesIn(objects, "Role", "anypod-system"))).toEqual(grants(rulesOf(election)));
  });

  test("with watchNamespaces, grants it in these alone, and only reads what has no namespace", async () => {
    const objects = await rendered({ chart: "anypod", values: { watchNamespaces: ["shop", "search"] } });
    for (const namespace of ["shop", "search"])
      expect(grants(rulesIn(objects, "Role", namespace))).toEqual(grants(rulesOf(namespaced)));
    expect(grants(rulesIn(objects, "ClusterRole"))).toEqual(grants(rulesOf(clusterScoped)));
    expect(clusterScoped.flatMap(({ verbs }) => writes(verbs))).toEqual([]);
  });

  test("with watchNamespaces and without clusterScoped, has nothing of the cluster's", async () => {
    const values = { watchNamespaces: ["shop"], rbac: { clusterScoped: false } };
    const objects = await rendered({ chart: "anypod", values });
    expect(objects.filter(({ kind }) => kind.startsWith("Cluster"))).toEqual([]);
    expect(
      ofKind(objects, "Role")
        .map(({ metadata }) => metadata.namespace)
        .sort(),
    ).toEqual(["anypod-system", "shop"]);
  });

  test("binds every role of the operator's to its account, and users' roles to nobody", async () => {
    const objects = await rendered({ chart: "anypod", values: { watchNamespaces: ["shop"] } });
    for (const kind of ["Role", "ClusterRole"])
      for (const { metadata } of ofKind(objects, kind)) {
        const bindings = ofKind(objects, `${kind}Binding`).filter(
          ({ roleRef, metadata: { namespace } }) => roleRef.name === metadata.name && namespace === metadata.namespace,
        );
        expect(bindings).toHaveLength(1);
        expect(bindings[0]).toMatchObject({
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind },
          subjects: [{ kind: "ServiceAccount", name: "anypod", namespace: "anypod-system" }],
        });
      }
    const everyone = await rendered({ chart: "anypod" });
    const bound = ofKind(everyone, "ClusterRoleBinding").map(({ roleRef }) => roleRef.name as string);
    expect(bound).toEqual(["anypod.anypod-system"]);
  });

  test("two releases of one name in two namespaces don't meet", async () => {
    const namesIn = async (namespace: string) =>
      (await rendered({ chart: "anypod", namespace }))
        .filter(({ metadata }) => metadata.namespace === undefined)
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    const first = await namesIn("a");
    expect(first.length).toBeGreaterThan(2);
    expect((await namesIn("b")).filter((name) => first.includes(name))).toEqual([]);
  });

  test("lets whoever may edit a namespace edit its McpServers, and whoever may view it view them", async () => {
    const roles = ofKind(await rendered({ chart: "anypod" }), "ClusterRole");
    const aggregated = (to: string) =>
      grants(
        roles
          .filter(({ metadata }) => metadata.labels[`rbac.authorization.k8s.io/aggregate-to-${to}`])
          .flatMap(({ rules }) => rules as Rule[]),
      );
    expect(aggregated("view")).toContain("list mcpservers.anypod.dev");
    expect(writes(aggregated("view").map((grant) => grant.split(" ")[0]!))).toEqual([]);
    expect(aggregated("edit")).toEqual(
      expect.arrayContaining([
        "create mcpservers.anypod.dev",
        "get mcpservers.anypod.dev",
        "patch mcpservers/scale.anypod.dev",
      ]),
    );
    expect(aggregated("admin")).toEqual(aggregated("edit"));
  });
});
