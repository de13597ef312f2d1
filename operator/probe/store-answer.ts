// What a store answers, whichever engine it is.

export interface StoreTarget {
  url: string;
  /** Certificates, in PEM, that the store's own must come from. */
  ca: string | undefined;
}

/** Whether the error is about the store's certificate. */
export const isAboutCertificate = (code: string) => /CERT|SIGNATURE|ALTNAME|SELF_SIGNED|ISSUER/.test(code);

/** The code of an error, as Node.js has it; of the first of several. */
export function codeOf(error: unknown): string {
  const { code, errors } = error as { code?: string; errors?: unknown[] };
  return code ?? (errors?.length ? codeOf(errors[0]) : "");
}
