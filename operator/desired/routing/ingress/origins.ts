// Origins of web pages, for controllers that compare them or match them with regular expressions.
import type { Routing } from "../../../api/routing.ts";
import { allowedOrigins } from "../cors.ts";

type Cors = NonNullable<Routing["cors"]>;

export interface Origins {
  all: boolean;
  exact: string[];
  /** Of RE2 and of PCRE. */
  regexes: string[];
}

const isWild = (origin: string) => origin.includes("*");

/** A star is for whole labels of a host, one or several; not for a port. */
const regexOf = (origin: string) => `^${origin.replace(/[.+]/g, "\\$&").replace("*", "[^/:]+")}$`;

/** The origins, by how they are told. */
export function originsOf(cors: Cors): Origins {
  const origins = allowedOrigins(cors);
  const all = origins.includes("*");
  return {
    all,
    exact: origins.filter((origin) => !isWild(origin)),
    regexes: all ? [] : origins.filter(isWild).map(regexOf),
  };
}
