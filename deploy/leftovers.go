package deploy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/carepath/carepath/deploy/awsjson"
	"github.com/carepath/carepath/platform"
)

const (
	// leftoverTries is how often AWS is asked before what it lists is believed: its list of tagged resources is late.
	leftoverTries = 7
	leftoverPause = 5 * time.Second
)

// tagged are the ARNs of what carries a stack's tags in an account and region. KMS keys are not among them: one that is deleted is
// listed for the weeks of its waiting period, and costs nothing. Queues, topics, tables, buckets, log groups, alarms, event buses, rules,
// pipes, trails, schema registries, functions, state machines, APIs, user pools, zones and certificates are. See
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html.
func tagged(ctx context.Context, reach aws.Config, stack string) ([]string, error) {
	var arns []string
	pages := tagging.NewGetResourcesPaginator(tagging.NewFromConfig(reach), &tagging.GetResourcesInput{TagFilters: []tagtypes.TagFilter{
		{Key: aws.String("project"), Values: []string{"carepath"}}, {Key: aws.String("stack"), Values: []string{stack}},
	}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing what carries the tags of the stack %s: %w", stack, err)
		}
		for _, r := range page.ResourceTagMappingList {
			if arn := aws.ToString(r.ResourceARN); !strings.Contains(arn, ":kms:") {
				arns = append(arns, arn)
			}
		}
	}
	slices.Sort(arns)
	return arns, nil
}

// leftovers are what a destroyed stack has left: on the local stack what the embedded AWS made for it and did not delete, else what
// carries its tags in its region.
func (p *Project) leftovers(ctx context.Context, stack string) ([]string, error) {
	if stack == LocalStack {
		made, err := p.creations(ctx)
		var all []string
		for _, c := range made {
			all = append(all, c.URN+" "+c.ID)
		}
		return all, err
	}
	region, err := p.setting(stack, platform.KeyRegion)
	if err != nil {
		return nil, err
	}
	reach, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return nil, fmt.Errorf("looking for credentials: %w", err)
	}
	return remains(ctx, reach, stack, leftoverPause)
}

// globalRegion is where AWS lists what is in no region, such as hosted zones, and where the certificates of EDGE domains are.
const globalRegion = "us-east-1"

// remains are what a destroyed stack has left in its region, in the one of what has none, and of what is not found by tags.
func remains(ctx context.Context, reach aws.Config, stack string, pause time.Duration) ([]string, error) {
	all, err := stillTagged(ctx, reach, stack, pause)
	if err != nil {
		return nil, err
	}
	if reach.Region != globalRegion {
		global := reach.Copy()
		global.Region = globalRegion
		more, err := stillTagged(ctx, global, stack, pause)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	stores, err := dataStores(ctx, reach, stack)
	if err != nil {
		return nil, err
	}
	all = append(all, stores...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

var healthLake = awsjson.API{Service: "healthlake", Target: "HealthLake", Version: "1.0"}

// dataStores are the ARNs of the stack's FHIR data stores that are not deleted. Nothing costs as much when it is forgotten: they are
// looked for by the name that the stack gives them, whatever their tags.
func dataStores(ctx context.Context, reach aws.Config, stack string) ([]string, error) {
	var all []string
	in := map[string]any{"Filter": map[string]string{"DatastoreName": "carepath-" + stack}}
	for {
		var page struct {
			DatastorePropertiesList []struct{ DatastoreArn, DatastoreStatus string }
			NextToken               string
		}
		err := healthLake.Call(ctx, reach, nil, "ListFHIRDatastores", in, &page)
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound {
			return nil, nil // there is no HealthLake in the region
		}
		if err != nil {
			return nil, fmt.Errorf("looking for FHIR data stores of the stack %s: %w", stack, err)
		}
		for _, s := range page.DatastorePropertiesList {
			if s.DatastoreStatus != "DELETED" {
				all = append(all, s.DatastoreArn)
			}
		}
		if page.NextToken == "" {
			return all, nil
		}
		in["NextToken"] = page.NextToken
	}
}

// stillTagged are the ARNs that AWS still lists when it has had time.
func stillTagged(ctx context.Context, reach aws.Config, stack string, pause time.Duration) ([]string, error) {
	for try := 1; ; try++ {
		arns, err := tagged(ctx, reach, stack)
		if err != nil || len(arns) == 0 || try == leftoverTries {
			return arns, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
