"""A fleet of workers for photofind: photos are decoded and embedded on other machines, by Dask."""
