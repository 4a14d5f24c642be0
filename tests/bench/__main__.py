"""Every bench, one after the other."""

from tests.bench import bench_routing

bench_routing.main()
