// The CustomResourceDefinition of ServiceMonitor, against which the operator's chart is checked. Nothing is built from it.
module anypod.dev/test/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0 // indirect
