// The CustomResourceDefinitions of Argo CD and Flux, against which the examples are checked. Nothing is built from it.
module anypod.dev/test/gitops-crds

go 1.26.0

require (
	github.com/argoproj/argo-cd/v3 v3.5.7 // indirect
	github.com/fluxcd/helm-controller v1.4.0 // indirect
	github.com/fluxcd/kustomize-controller v1.9.6 // indirect
	github.com/fluxcd/source-controller v1.9.6 // indirect
)
