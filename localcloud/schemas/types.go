package schemas

// RegistryInput is the request of CreateRegistry and UpdateRegistry.
type RegistryInput struct {
	RegistryName string
	Description  *string           `json:",omitempty"` // at most 256 characters
	Tags         map[string]string `json:"tags,omitempty"`
}

// RegistryOutput is the response of the operations on one registry.
type RegistryOutput struct {
	RegistryArn, RegistryName string
	Description               string            `json:",omitempty"`
	Tags                      map[string]string `json:"tags,omitempty"`
}

// RegistryNameInput names a registry.
type RegistryNameInput struct {
	RegistryName string
}

// ListRegistriesInput is the request of ListRegistries.
type ListRegistriesInput struct {
	RegistryNamePrefix string `json:",omitempty"`
	Scope              string `json:",omitempty"` // LOCAL only: there are no registries of AWS's own
	Limit              *int   `json:",omitempty"` // 1..100; 100 by default
	NextToken          string `json:",omitempty"`
}

// ListRegistriesOutput is the response of ListRegistries, in the order of names.
type ListRegistriesOutput struct {
	Registries []RegistryOutput
	NextToken  string `json:",omitempty"`
}

// CreateSchemaInput is the request of CreateSchema.
type CreateSchemaInput struct {
	RegistryName, SchemaName string
	Content                  string            // at most 100,000 characters
	Description              string            `json:",omitempty"`
	Type                     string            // OpenApi3 or JSONSchemaDraft4
	Tags                     map[string]string `json:"tags,omitempty"`
}

// UpdateSchemaInput is the request of UpdateSchema. Other content makes another version.
type UpdateSchemaInput struct {
	RegistryName, SchemaName string
	ClientTokenID            string  `json:"ClientTokenId,omitempty"`
	Content                  string  `json:",omitempty"`
	Description              *string `json:",omitempty"`
	Type                     string  `json:",omitempty"`
}

// SchemaNameInput names a schema, or one of its versions.
type SchemaNameInput struct {
	RegistryName, SchemaName string
	SchemaVersion            string `json:",omitempty"` // the latest by default
}

// SchemaOutput is the response of the operations on one schema.
type SchemaOutput struct {
	SchemaArn, SchemaName, SchemaVersion, Type string
	Content                                    string            `json:",omitempty"` // of DescribeSchema
	Description                                string            `json:",omitempty"`
	LastModified, VersionCreatedDate           string            // ISO 8601
	Tags                                       map[string]string `json:"tags,omitempty"`
}

// ListSchemasInput is the request of ListSchemas.
type ListSchemasInput struct {
	RegistryName     string
	SchemaNamePrefix string `json:",omitempty"`
	Limit            *int   `json:",omitempty"` // 1..100; 100 by default
	NextToken        string `json:",omitempty"`
}

// ListSchemasOutput is the response of ListSchemas, in the order of names.
type ListSchemasOutput struct {
	Schemas   []SchemaSummary
	NextToken string `json:",omitempty"`
}

// SchemaSummary is a schema in a list.
type SchemaSummary struct {
	SchemaArn, SchemaName, LastModified string
	VersionCount                        int
	Tags                                map[string]string `json:"tags,omitempty"`
}

// ListSchemaVersionsInput is the request of ListSchemaVersions.
type ListSchemaVersionsInput struct {
	RegistryName, SchemaName string
}

// ListSchemaVersionsOutput is the response of ListSchemaVersions, the oldest first.
type ListSchemaVersionsOutput struct {
	SchemaVersions []SchemaVersion
}

// SchemaVersion is a version in a list.
type SchemaVersion struct {
	SchemaArn, SchemaName, SchemaVersion, Type string
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	ResourceArn string
	Tags        map[string]string `json:"tags"`
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	ResourceArn string
	TagKeys     []string
}

// ResourceInput is the request of ListTagsForResource.
type ResourceInput struct {
	ResourceArn string
}

// TagsOutput is the response of ListTagsForResource.
type TagsOutput struct {
	Tags map[string]string `json:"tags"`
}

// Empty is the response of operations that return nothing.
type Empty struct{}
