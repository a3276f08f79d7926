package asl

import "slices"

// integration is an action of an optimised integration.
type integration struct {
	actions []string
	sync    []string // the actions that .sync may follow
	token   []string // the actions that .waitForTaskToken may follow
}

// optimized are the optimised integrations
// (https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html).
var optimized = map[string]integration{
	"apigateway": {actions: []string{"invoke"}, token: []string{"invoke"}},
	"athena": {actions: []string{"startQueryExecution", "stopQueryExecution", "getQueryExecution", "getQueryResults"},
		sync: []string{"startQueryExecution"}},
	"batch": {actions: []string{"submitJob"}, sync: []string{"submitJob"}},
	"bedrock": {actions: []string{"invokeModel", "createModelCustomizationJob"}, sync: []string{"createModelCustomizationJob"},
		token: []string{"invokeModel"}},
	"codebuild": {actions: []string{"startBuild", "stopBuild", "batchDeleteBuilds", "batchGetReports", "startBuildBatch",
		"stopBuildBatch", "retryBuildBatch", "deleteBuildBatch"}, sync: []string{"startBuild", "startBuildBatch", "retryBuildBatch"}},
	"databrew": {actions: []string{"startJobRun"}, sync: []string{"startJobRun"}},
	"dynamodb": {actions: []string{"getItem", "putItem", "updateItem", "deleteItem"}},
	"ecs":      {actions: []string{"runTask"}, sync: []string{"runTask"}, token: []string{"runTask"}},
	"eks": {actions: []string{"createCluster", "deleteCluster", "createFargateProfile", "deleteFargateProfile",
		"createNodegroup", "deleteNodegroup", "runJob", "call"},
		sync: []string{"createCluster", "deleteCluster", "createFargateProfile", "deleteFargateProfile", "createNodegroup",
			"deleteNodegroup", "runJob"}},
	"elasticmapreduce": {actions: []string{"createCluster", "terminateCluster", "addStep", "cancelStep",
		"setClusterTerminationProtection", "modifyInstanceFleetByName", "modifyInstanceGroupByName"},
		sync: []string{"createCluster", "terminateCluster", "addStep"}},
	"emr-containers": {actions: []string{"createVirtualCluster", "deleteVirtualCluster", "startJobRun"},
		sync: []string{"deleteVirtualCluster", "startJobRun"}},
	"emr-serverless": {actions: []string{"createApplication", "startApplication", "stopApplication", "deleteApplication",
		"startJobRun", "cancelJobRun"},
		sync: []string{"createApplication", "startApplication", "stopApplication", "deleteApplication", "startJobRun", "cancelJobRun"}},
	"events":       {actions: []string{"putEvents"}, token: []string{"putEvents"}},
	"glue":         {actions: []string{"startJobRun"}, sync: []string{"startJobRun"}},
	"http":         {actions: []string{"invoke"}},
	"lambda":       {actions: []string{"invoke"}, token: []string{"invoke"}},
	"mediaconvert": {actions: []string{"createJob"}, sync: []string{"createJob"}},
	"sagemaker": {actions: []string{"createEndpoint", "createEndpointConfig", "createHyperParameterTuningJob",
		"createLabelingJob", "createModel", "createProcessingJob", "createTrainingJob", "createTransformJob", "updateEndpoint"},
		sync: []string{"createHyperParameterTuningJob", "createLabelingJob", "createProcessingJob", "createTrainingJob",
			"createTransformJob"}},
	"sns":    {actions: []string{"publish"}, token: []string{"publish"}},
	"sqs":    {actions: []string{"sendMessage"}, token: []string{"sendMessage"}},
	"states": {actions: []string{"startExecution"}, sync: []string{"startExecution"}, token: []string{"startExecution"}},
}

// requiredParameters are arguments that an optimised integration cannot do without.
var requiredParameters = map[string][]string{
	"dynamodb:deleteItem":   {"TableName", "Key"},
	"dynamodb:getItem":      {"TableName", "Key"},
	"dynamodb:putItem":      {"TableName", "Item"},
	"dynamodb:updateItem":   {"TableName", "Key"},
	"events:putEvents":      {"Entries"},
	"lambda:invoke":         {"FunctionName"},
	"sns:publish":           {"Message"},
	"sqs:sendMessage":       {"QueueUrl", "MessageBody"},
	"states:startExecution": {"StateMachineArn"},
}

// knownIntegration reports whether Step Functions has the service and action of a resource, as far as this package
// knows them: of SDK integrations all services, and the actions of those in sdkActions.
func knownIntegration(r Resource) bool {
	switch r.Kind {
	case Optimized:
		i, known := optimized[r.Service]
		switch {
		case !known || !slices.Contains(i.actions, r.Action):
			return false
		case r.Pattern == Sync:
			return slices.Contains(i.sync, r.Action)
		case r.Pattern == Sync2:
			return r.Service == "states"
		case r.Pattern == WaitForTaskToken:
			return slices.Contains(i.token, r.Action)
		}
	case SDK:
		if r.Pattern == Sync || r.Pattern == Sync2 {
			return false
		}
		if actions, known := sdkActions[r.Service]; known {
			return actions[r.Action]
		}
		return sdkServices[r.Service] && 'a' <= r.Action[0] && r.Action[0] <= 'z'
	}
	return true
}
