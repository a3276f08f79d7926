package lambda

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

const instant = "2006-01-02T15:04:05.000Z"

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// exited is the result of an invocation whose process ended.
func exited(id string, exit error) result {
	reason := "Runtime exited without providing a reason"
	if exit != nil {
		reason = fmt.Sprintf("Runtime exited with error: %v", exit)
	}
	return failed("Runtime.ExitError", "RequestId: %s Error: %s", id, reason)
}

// structured reports whether Lambda's own lines are JSON, and those of level INFO wanted.
func (e *environment) structured() (yes, info bool) {
	l := e.config.LoggingConfig
	return l.LogFormat == "JSON", l.SystemLogLevel != "WARN"
}

// platformEvent is one of Lambda's own lines in JSON: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html.
func platformEvent(at time.Time, kind string, record any) string {
	text, err := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{at.Format(instant), kind, record})
	if err != nil { // maps of strings and numbers always marshal
		panic(err)
	}
	return string(text)
}

func (e *environment) initStart(now time.Time) string {
	arn := e.config.RuntimeVersionConfig.RuntimeVersionArn
	name := strings.Replace(e.config.Runtime, ".", ":", 1)
	if json, info := e.structured(); json {
		if !info {
			return ""
		}
		return platformEvent(now, "platform.initStart", map[string]any{"initializationType": "on-demand", "phase": "init", "runtimeVersion": name, "runtimeVersionArn": arn,
			"functionName": e.config.FunctionName, "functionVersion": "$LATEST"})
	}
	return "INIT_START Runtime Version: " + name + "\tRuntime Version ARN: " + arn
}

func (e *environment) start(inv *invocation) string {
	if json, info := e.structured(); json {
		if !info {
			return ""
		}
		return platformEvent(inv.started, "platform.start", map[string]any{"requestId": inv.id, "version": "$LATEST"})
	}
	return "START RequestId: " + inv.id + " Version: $LATEST"
}

// report writes the lines that end an invocation; the caller holds e.mu.
func (e *environment) report(inv *invocation, broken bool) {
	now := e.s.d.Clock.Now()
	took := milliseconds(now.Sub(inv.started))
	used := e.memory()
	var initTook float64
	if !e.reported && e.ready {
		e.reported, initTook = true, milliseconds(e.initTook)
	}
	status := "success"
	switch {
	case e.timedOut > 0:
		status = "timeout"
	case broken:
		status = "error"
	}
	if structured, info := e.structured(); structured {
		text := ""
		if info || status != "success" {
			metrics := map[string]any{"durationMs": took, "billedDurationMs": math.Ceil(took + initTook), "memorySizeMB": e.config.MemorySize, "maxMemoryUsedMB": used}
			if initTook > 0 {
				metrics["initDurationMs"] = initTook
			}
			text = platformEvent(now, "platform.report", map[string]any{"requestId": inv.id, "metrics": metrics, "status": status})
		}
		e.log.platform('R', text)
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t", inv.id, took, math.Ceil(took+initTook), e.config.MemorySize, used)
	if initTook > 0 {
		fmt.Fprintf(&b, "Init Duration: %.2f ms\t", initTook)
	}
	if status != "success" {
		fmt.Fprintf(&b, "Status: %s", status)
		if status == "error" {
			b.WriteString("\tError Type: Runtime.ExitError")
		}
	}
	e.log.platform('E', "END RequestId: "+inv.id)
	e.log.platform('R', b.String())
}
