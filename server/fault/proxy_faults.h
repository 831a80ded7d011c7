/* Rows of the fault table that concern the proxy, the registrar and outbound; see fault.h. */
#ifndef VIADUCT_FAULT_PROXY_FAULTS_H
#define VIADUCT_FAULT_PROXY_FAULTS_H

#define FAULT_PROXY_TABLE(X)

#endif
