// The test node's sandbox process. test/cluster/binaries.ts builds it.
module anypod.dev/test/pause

go 1.25.0
