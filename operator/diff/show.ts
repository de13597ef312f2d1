// Two states of an object → a unified diff that people review: without what the API server keeps for itself, and without a
// Secret's values. Pure.
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { dump } from "js-yaml";
import { configHashAnnotation, desiredHashAnnotation } from "../desired/object.ts";
import {
  acceptedHashAnnotation,
  generated,
  ringHashAnnotation,
  rotatedAtAnnotation,
  usedHashAnnotation,
} from "../desired/ring.ts";
import { loginsHashAnnotation } from "../desired/task-store/managed.ts";
import type { ApiObject } from "../kube/resource.ts";

type Fields = Record<string, unknown>;

export interface Change {
  /** None: it is created. */
  before: ApiObject | undefined;
  /** None: it is pruned. */
  after: ApiObject | undefined;
}

const keptByServer = ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"];
/** Bookkeeping that follows from the rest of the object. */
const bookkeeping = [desiredHashAnnotation, "kubectl.kubernetes.io/last-applied-configuration"];

const without = (fields: Fields, names: string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

function metadataOf({ metadata }: ApiObject): Fields {
  const { annotations, ownerReferences, ...rest } = without(metadata as unknown as Fields, keptByServer);
  const shown = without((annotations ?? {}) as Fields, bookkeeping);
  const owners = (ownerReferences as Fields[] | undefined)?.map((owner) => without(owner, ["uid"]));
  return {
    ...rest,
    ...(Object.keys(shown).length > 0 && { annotations: shown }),
    ...(owners && { ownerReferences: owners }),
  };
}

function shown(object: ApiObject): Fields {
  const { apiVersion, kind, metadata: _, status: __, ...rest } = object as ApiObject & Fields;
  return { apiVersion, kind, metadata: metadataOf(object), ...rest };
}

/** Annotations that are new with every try. */
const drawn = [
  ringHashAnnotation,
  rotatedAtAnnotation,
  usedHashAnnotation,
  acceptedHashAnnotation,
  loginsHashAnnotation,
  configHashAnnotation,
];
/** Fields of a Service that the API server draws. */
const allocated = ["clusterIP", "clusterIPs"];

/** What the API server and anypod draw anew at each try stands as in `render`, so that two diffs of one change are the same. */
function steady(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(steady);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !allocated.includes(name))
      .map(([name, nested]) => [name, drawn.includes(name) ? generated : steady(nested)]),
  );
}

/** The values of a Secret's data, each told from the other's only by whether they are the same. */
function hidden(fields: Fields, other: Fields | undefined, when: string): Fields {
  const data = fields.data as Fields | undefined;
  if (fields.kind !== "Secret" || !data) return fields;
  const others = (other?.data ?? {}) as Fields;
  const hide = ([name, value]: [string, unknown]) => {
    const changed = other !== undefined && name in others && others[name] !== value;
    return [name, changed ? `*** (${when})` : "***"];
  };
  return { ...fields, data: Object.fromEntries(Object.entries(data).map(hide)) };
}

const toYaml = (fields: Fields | undefined) => (fields ? dump(fields, { noRefs: true, lineWidth: -1 }) : "");

function nameOf({ apiVersion, kind, metadata }: ApiObject): string {
  const group = apiVersion.includes("/") ? `.${apiVersion.split("/")[0]}` : "";
  return `${metadata.namespace}/${kind}${group}/${metadata.name}`;
}

/** The unified diff of an object; empty when there is nothing to see. */
export function show({ before, after }: Change): string {
  const object = before ?? after;
  if (!object) return "";
  const was = before && shown(before);
  const becomes = after && (before ? shown(after) : (steady(shown(after)) as Fields));
  const texts = [
    toYaml(was && hidden(was, becomes, "before")),
    toYaml(becomes && hidden(becomes, was, "after")),
  ] as const;
  if (texts[0] === texts[1]) return "";
  const [oldName, newName] = [
    was ? `live/${nameOf(object)}` : "/dev/null",
    becomes ? `applied/${nameOf(object)}` : "/dev/null",
  ];
  return createTwoFilesPatch(oldName, newName, ...texts, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}
