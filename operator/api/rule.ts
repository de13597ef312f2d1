// A validation rule, once: the CEL that the API server evaluates at admission and the predicate that `render` evaluates
// without a cluster, side by side, with one message that says what to write.
import * as z from "zod";

/** One rule on a value: `cel` and `holds` must agree, except that `holds` sees defaults filled in. */
export interface Rule<T> {
  /** CEL over `self`; absent fields are absent, as nothing is defaulted at admission. */
  cel: string;
  /** Says what to write instead. */
  message: string;
  holds: (value: T) => boolean;
  /** The field to blame, relative to the value, such as `.maxReplicas`. */
  fieldPath?: string;
}

/** The schema with the rules attached: as zod checks, and as `x-kubernetes-validations` for the CRD. */
export function withRules<S extends z.ZodType>(schema: S, ...rules: Rule<z.output<S>>[]): S {
  const checked = rules.reduce<z.ZodType>(
    (narrowed, { holds, message, fieldPath }) =>
      narrowed.refine((value) => holds(value as z.output<S>), { message, path: fieldPath?.slice(1).split(".") ?? [] }),
    schema,
  );
  return withValidations(schema, checked, rules);
}

/** A rule on a change: `cel` over `self` and `oldSelf`. Only the API server knows both. */
export type Transition = Pick<Rule<unknown>, "cel" | "message" | "fieldPath">;

/** The schema with rules on how a live object may change, as `x-kubernetes-validations` for the CRD. */
export const withTransitions = <S extends z.ZodType>(schema: S, ...transitions: Transition[]): S =>
  withValidations(schema, schema, transitions);

function withValidations<S extends z.ZodType>(schema: S, checked: z.ZodType, rules: Transition[]): S {
  const validations = rules.map(({ cel, message, fieldPath }) => ({
    rule: cel,
    message,
    ...(fieldPath && { fieldPath }),
  }));
  const inherited = schema.meta()?.["x-kubernetes-validations"] ?? [];
  return checked.meta({
    ...schema.meta(),
    "x-kubernetes-validations": [...(inherited as object[]), ...validations],
  }) as S;
}

/** Exactly one of these fields of an object is given; `what` is the object, for the message. */
export const exactlyOne = (what: string, names: string[]): Rule<object> => ({
  cel: `[${names.map((name) => `has(self.${name})`).join(", ")}].filter(x, x).size() == 1`,
  message: `${what} must have exactly one of ${names.join(", ")}`,
  holds: (value) => names.filter((name) => (value as Record<string, unknown>)[name] !== undefined).length === 1,
});

/** A string that matches `pattern` (RE2, no look-around, no capture needed), refused with `message`. */
export function text(pattern: string, message: string, maxLength: number) {
  const regex = new RegExp(pattern);
  return withRules(z.string().max(maxLength), {
    cel: `self.matches('${pattern.replaceAll("\\", "\\\\")}')`,
    message,
    holds: (value) => regex.test(value),
  });
}
