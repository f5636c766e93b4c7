"""The store in an etcd, shared by many nodes: its v3 API, spoken as JSON over HTTP."""
