"""Speed measurements that anyone can run; ratios from one run on the same work."""
