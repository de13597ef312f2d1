// How GitOps tools read objects: Flux through its own kstatus, Argo CD through a Lua script in the engine that it uses, set up
// as its util/lua does. Takes a script as its argument and one JSON object a line; answers with one JSON line for each.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
)

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type answer struct {
	Flux verdict `json:"flux"`
	Argo verdict `json:"argo"`
}

func main() {
	if err := run(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(scriptFile string, in io.Reader, out io.Writer) error {
	script, err := os.ReadFile(scriptFile)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<24)
	answers := json.NewEncoder(out)
	for lines.Scan() {
		given, err := judge(lines.Bytes(), string(script))
		if err != nil {
			return err
		}
		if err := answers.Encode(given); err != nil {
			return err
		}
	}
	return lines.Err()
}

func judge(line []byte, script string) (answer, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(line); err != nil {
		return answer{}, err
	}
	flux, err := status.Compute(object)
	if err != nil {
		return answer{}, err
	}
	argo, err := runScript(object.Object, script)
	return answer{Flux: verdict{string(flux.Status), flux.Message}, Argo: argo}, err
}

// The libraries are those that Argo CD opens without useOpenLibs, but for its own os.
func runScript(object map[string]any, script string) (verdict, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage,
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
	} {
		call := lua.P{Fn: state.NewFunction(open), NRet: 0, Protect: true}
		if err := state.CallByParam(call, lua.LString(name)); err != nil {
			return verdict{}, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return verdict{}, err
	}
	encoded, err := luajson.Encode(state.Get(-1))
	if err != nil {
		return verdict{}, err
	}
	var given verdict
	return given, json.Unmarshal(encoded, &given)
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case int64:
		return lua.LNumber(typed)
	case []any:
		list := state.CreateTable(len(typed), 0)
		for _, item := range typed {
			list.Append(toLua(state, item))
		}
		return list
	case map[string]any:
		table := state.CreateTable(0, len(typed))
		for key, item := range typed {
			table.RawSetH(lua.LString(key), toLua(state, item))
		}
		return table
	default:
		return luajson.DecodeValue(state, value)
	}
}
