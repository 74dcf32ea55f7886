"""The stores of the cloud: one DynamoDB table and two S3 buckets."""
