// The images of what anypod runs beside servers.

/** Engines without a tag, which the spec gives; the collector with one. */
export interface Images {
  redis: string;
  postgresql: string;
  collector: string;
}

export const officialImages: Images = {
  redis: "docker.io/valkey/valkey",
  postgresql: "docker.io/library/postgres",
  // With all exporters that there are.
  collector: "docker.io/otel/opentelemetry-collector-contrib:0.155.0",
};
