// One Ingress for the AWS Load Balancer Controller: each path of it becomes a rule of the Application Load Balancer, in
// the order in which they stand, with conditions and actions in annotations.
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
import { mainPool } from "../../../api/pool.ts";
import { ownName } from "../../names.ts";
import { hashOf } from "../../object.ts";
import { headerValues } from "../header-value.ts";
import type { Limitation, Routes } from "../routes.ts";
import { nameHeader, type Rule } from "../table.ts";
import { fitsCondition, inRules, mostRules, mostValues, thatFit } from "./alb-rules.ts";
import { type Ask, hostsOf, timeoutsOf, withoutEndless } from "./ask.ts";
import { valuesOf } from "./headers.ts";
import { cannotCount, cannotSetTime, cannotTellCase, cannotTime, listed } from "./limitations.ts";
import { ingressObject, rolesOf } from "./object.ts";
import { say, type Words } from "./say.ts";

const controller = "AWS ALB";
const keys = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`alb.ingress.kubernetes.io/${key}`, value]));

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_HttpHeaderConditionConfig.html */
const words: Words = { controller, header: (name) => name.length <= 40, value: fitsCondition };

/** idle_timeout.timeout_seconds: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html */
const mostIdleSeconds = 4000;

// --- What can't be said ---------------------------------------------------------------------------------------------

interface Fitted {
  kept: Rule[];
  /** For names, and too many. */
  left: Rule[];
  /** With more values than a rule can have. */
  tooWide: Rule[];
}

function cannotHold(ask: Ask, { kept, left, tooWide }: Fitted): Limitation[] {
  const all = ask.rules.flatMap((rule) => valuesOf(rule, nameHeader));
  const names = (rules: Rule[]) => {
    const sent = new Set(rules.flatMap((rule) => valuesOf(rule, nameHeader)));
    return listed(all.filter((name) => headerValues(name).some((value) => sent.has(value))));
  };
  const hosts = hostsOf(ask).length;
  const many = `${controller} takes ${mostRules} rules: calls of ${names(left)} don't reach their pool; name fewer, or use another class.`;
  const wide = `${controller} takes ${mostValues} values a rule: calls of ${names(tooWide) || "some methods"} with canary.header go where they go without it.`;
  const wider = `${controller} takes ${mostRules} rules, and each host needs ${kept.length}: give fewer hostnames, or raise the quota.`;
  return [
    ...(left.length > 0 ? [{ field: "pools", message: many }] : []),
    ...(tooWide.length > 0 ? [{ field: "canary.header", message: wide }] : []),
    ...(kept.length * hosts > mostRules ? [{ field: "routing.hostnames", message: wider }] : []),
  ];
}

function cannotSecure({ ingress }: Ask): Limitation[] {
  const secrets = ingress.tls?.some(({ secretName }) => secretName !== undefined);
  const message = `${controller} takes no Secret for a certificate: it looks for the hosts' certificates in ACM, or give certificate-arn in routing.ingress.annotations.`;
  return secrets ? [{ field: "routing.ingress.tls", message }] : [];
}

function cannotLimit(ask: Ask): Limitation[] {
  const { idle } = timeoutsOf(ask);
  const silence = `${controller} ends a call that is silent for ${mostIdleSeconds} seconds.`;
  const length = `${controller} limits silence only: a call may take longer as long as it isn't silent.`;
  return [
    ...cannotTime(ask, "request", length),
    ...(idle === 0 || idle > mostIdleSeconds ? cannotSetTime(ask, "idle", silence) : []),
    ...cannotCount(ask, `${controller} has no rate limits: use AWS WAF (alb.ingress.kubernetes.io/wafv2-acl-arn).`),
  ];
}

function cannotAnswer({ routing }: Ask): Limitation[] {
  const message = `${controller} answers no preflight requests: let the server answer them.`;
  return routing.cors ? [{ field: "routing.cors", message }] : [];
}

// --- The Ingress ----------------------------------------------------------------------------------------------------

function ownAnnotations(ask: Ask): Record<string, string> {
  const { idle } = timeoutsOf(ask);
  const seconds = idle === 0 ? mostIdleSeconds : Math.min(idle, mostIdleSeconds);
  return {
    // Calls go to pods straight: Services have no port on nodes.
    "target-type": "ip",
    "load-balancer-attributes": `idle_timeout.timeout_seconds=${seconds}`,
    // A server that takes POST only answers the check's GET with 405: any answer shows that it lives.
    "healthcheck-path": ask.server.spec.path,
    "success-codes": "200-499",
    ...(ask.ingress.tls?.length && { "listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]', "ssl-redirect": "443" }),
  };
}

/** Names of actions are parts of annotations' names, which have 63 characters at most. */
const actionName = (role: string) =>
  role.length <= 48 ? `to-${role}` : `to-${role.slice(0, 39)}-${hashOf(role).slice(0, 8)}`;

const action = ({ to }: Rule) => ({
  type: "forward",
  forwardConfig: {
    targetGroups: to.map(({ service, port, weight }) => ({ serviceName: service, servicePort: port, weight })),
  },
});

const conditions = ({ headers }: Rule) =>
  headers.map(({ name, values }) => ({ field: "http-header", httpHeaderConfig: { httpHeaderName: name, values } }));

function annotationsOf(rule: Rule, name: string): Record<string, string> {
  return {
    [`actions.${name}`]: JSON.stringify(action(rule)),
    ...(rule.headers.length > 0 && { [`conditions.${name}`]: JSON.stringify(conditions(rule)) }),
  };
}

/** The paths in their order: only of paths of this type it is documented that they keep it, and exact ones would do. */
const pathsOf = (rules: Rule[], names: string[]) =>
  rules.map(({ path }, index) => ({
    path,
    pathType: "ImplementationSpecific" as const,
    backend: { service: { name: names[index] ?? "", port: { name: "use-annotation" } } },
  }));

export function albRoutes(ask: Ask): Routes {
  const hosts = hostsOf(ask);
  const { rules, cannot } = say(withoutEndless(ask.rules), words);
  const split = rules.map((rule) => ({ rule, into: inRules(rule, hosts[0] !== undefined) }));
  const all = split.flatMap(({ into }) => into);
  const { kept, left } = thatFit(all, hosts.length);
  const tooWide = split.flatMap(({ rule, into }) => (into.length === 0 ? [rule] : []));
  const names = rolesOf(ask, kept).map(actionName);
  const forRules = kept.map((rule, index) => annotationsOf(rule, names[index] ?? ""));
  const object = ingressObject(ask, {
    name: ownName(ask.server.metadata.name),
    pool: mainPool,
    paths: pathsOf(kept, names),
    annotations: keys(Object.assign(ownAnnotations(ask), ...forRules)),
  });
  return {
    objects: [object],
    cannot: [
      ...cannot,
      ...cannotHold(ask, { kept, left, tooWide }),
      ...cannotTellCase(ask.rules, controller),
      ...cannotSecure(ask),
      ...cannotLimit(ask),
      ...cannotAnswer(ask),
    ],
    matchesHeaders: true,
  };
}
