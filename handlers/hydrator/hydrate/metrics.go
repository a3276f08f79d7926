package hydrate

import (
	"encoding/json"
	"fmt"
	"time"
)

// Namespace is where the hydrator's metrics are, with the dimensions DataStoreId, and DataStoreId and ResourceType.
const Namespace = "Carepath"

// measure writes a request's metrics in CloudWatch's embedded metric format.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (h *Hydrator) measure(p *pass, lag time.Duration) error {
	type metric struct{ Name, Unit string }
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []metric
	}
	line := map[string]any{"DataStoreId": h.DataStoreID, "ResourceType": p.typ, "VersionsErased": p.erased, "VersionsHeld": p.held}
	metrics := []metric{{"VersionsErased", "Count"}, {"VersionsHeld", "Count"}}
	if lag >= 0 {
		line["SweepLag"] = lag.Seconds()
		metrics = append(metrics, metric{"SweepLag", "Seconds"})
	}
	line["_aws"] = map[string]any{"Timestamp": h.Now().UnixMilli(),
		"CloudWatchMetrics": []directive{{Namespace, [][]string{{"DataStoreId"}, {"DataStoreId", "ResourceType"}}, metrics}}}
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	if _, err := h.Metrics.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	return nil
}
