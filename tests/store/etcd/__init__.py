"""Tests of L{fiberlb.store.etcd}."""
